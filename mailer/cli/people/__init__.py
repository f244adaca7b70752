"""Commands about people: lists, import, export, people, signatures."""
