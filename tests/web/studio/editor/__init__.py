"""The text editor in a browser."""
