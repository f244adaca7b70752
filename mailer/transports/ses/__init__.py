"""Amazon SES: one mail in each call of its API v2, and events that arrive through a topic of Amazon SNS."""
