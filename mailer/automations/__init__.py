"""Automations: mail that follows what each person does."""
