"""The room Automations: what goes out by itself, drawn with who is where, and changed by forms."""
