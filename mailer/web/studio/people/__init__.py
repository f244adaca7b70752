"""The room People: search, one person, what is done to many."""
