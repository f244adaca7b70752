"""Petition: what signers wrote, what is handed in, and that it was delivered."""
