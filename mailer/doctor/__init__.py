"""`mailer doctor`: checks everything that a send depends on, and says what to do."""
