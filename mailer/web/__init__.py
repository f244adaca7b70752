"""The doors on the web: the supporters' in public/, the staff's in studio/; and what both need to be served."""
