"""The tables and the states of their rows, declared once for SQLite and PostgreSQL."""
