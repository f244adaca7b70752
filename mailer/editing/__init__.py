"""Newsletters as files that people make and change: one truth for engineers and for the studio."""
