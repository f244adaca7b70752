"""A mail as bytes: headers, encodings, and the whole message."""
