"""Postmark: batches of mails over HTTP, and events that name the delivery."""
