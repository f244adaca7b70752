"""Pages that a mail leads to: tracked links, view in browser, the open pixel, the archive."""
