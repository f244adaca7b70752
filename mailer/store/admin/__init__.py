"""Backup, and moving a workspace to another database."""
