"""Changing the workspace's settings: values of mailer.toml and of secrets.toml, in place."""
