"""The body of a message: Markdown and `:::` blocks to MJML parts and to plain text."""
