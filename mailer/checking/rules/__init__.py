"""The rules of `mailer check`, one module for each subject."""
