"""What a petition can ask of those who sign: the table of fields, and the questions of a page's own."""
