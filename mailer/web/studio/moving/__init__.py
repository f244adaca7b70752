"""Moving house: which files to fetch from where, listmonk by its API, and the report of a move."""
