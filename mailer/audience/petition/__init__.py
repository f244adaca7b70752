"""Signatures on a newsletter's action page, and their file for whoever they are handed to."""
