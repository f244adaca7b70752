"""Staff: signing in, one's own account, everybody's accounts, and who did what."""
