"""The room Backups: take a copy of the database, carry it away sealed, and how to put one back."""
