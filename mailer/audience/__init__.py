"""People and lists: who they are, what they agreed to, who gets a message and who doesn't, with the reason."""
