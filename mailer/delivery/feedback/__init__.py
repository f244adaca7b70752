"""What comes back after a mail was handed over: bounces, complaints, provider events, conversions."""
