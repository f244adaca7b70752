"""Colours of the brand, for mails and pages: whether they can be read, and what is worked out from them."""
