"""Outgoing webhooks: each signature told to the group's own program."""
