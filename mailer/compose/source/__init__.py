"""The files that a message is made of: front matter, layouts, pictures, labels."""
