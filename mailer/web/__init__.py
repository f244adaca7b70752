"""The web apps: the public site in public/, the staff's studio in studio/; and what both need to be served."""
