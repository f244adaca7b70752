"""A newsletter's files in other languages, and the originals that they are translations of."""
