"""The room Automations."""
