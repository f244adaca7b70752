"""The room Settings: what mailer.toml and secrets.toml hold, by form, with what each means for supporters."""
