"""The public site: tracked links, signing, joining, preferences, leaving, the archive, and what comes back."""
