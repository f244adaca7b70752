"""Jinja at its two moments: resolved when a message is compiled, deferred for each recipient."""
