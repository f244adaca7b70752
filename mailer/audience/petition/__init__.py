"""Signatures on a newsletter's action page, and the file of them to hand over."""
