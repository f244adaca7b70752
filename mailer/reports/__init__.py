"""Figures of a campaign and how they are shown."""
