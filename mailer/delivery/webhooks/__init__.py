"""Outgoing webhooks: report each signature to the group's own program."""
