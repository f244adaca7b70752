"""The room Lists: who is on which list and how it grows, its form, and saved segments."""
