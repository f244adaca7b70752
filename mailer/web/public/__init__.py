"""The supporters' door: tracked links, leaving, view in the browser."""
