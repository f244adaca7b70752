"""Sends what the ledger holds: the run, its engine and connections, envelopes, progress."""
