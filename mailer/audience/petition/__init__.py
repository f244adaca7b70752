"""Signatures on a newsletter's sign page, and the file of them to hand over."""
