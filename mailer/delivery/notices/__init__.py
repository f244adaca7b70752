"""Mails to one person that aren't campaigns: confirmations, welcome, their data. A queue and its sender."""
