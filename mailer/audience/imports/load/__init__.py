"""Writes checked rows into the database in bulk, on either engine."""
