"""The action page: the form, signing, thanks, progress."""
