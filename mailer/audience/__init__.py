"""Everybody who can be mailed: people, consent, lists, imports, petitions, and who gets a campaign."""
