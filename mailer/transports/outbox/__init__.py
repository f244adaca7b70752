"""The outbox: mails as files on this machine, which is where a workspace begins."""
