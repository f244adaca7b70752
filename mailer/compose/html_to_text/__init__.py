"""Finished HTML as plain text, for messages written in MJML."""
