"""The sign page: the form, signing, thanks, progress."""
