"""Recurring newsletters: which series run, and their issues, each a campaign of its own on the one ledger."""
