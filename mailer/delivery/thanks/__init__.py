"""The mail that thanks each person who signs."""
