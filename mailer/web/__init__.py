"""The doors on the web: the supporters' in public/."""
