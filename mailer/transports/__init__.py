"""Hand an envelope over, answer with an outcome: to a local outbox, an SMTP relay, or SendGrid."""
