"""Results: what one newsletter brought, counted by the code of `mailer report`, with its links on the mail itself."""
