"""What comes back: signed tokens, clicks and who made them, people who leave."""
