"""The studio's room of a newsletter that repeats: its rule, the next issues, what became of the last ones."""
