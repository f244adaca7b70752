"""Hand an envelope over, answer with an outcome: a folder for each provider, from the local outbox to an HTTP API."""
