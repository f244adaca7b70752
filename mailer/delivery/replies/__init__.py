"""Replies to newsletters: told apart, kept, and dealt with by staff."""
