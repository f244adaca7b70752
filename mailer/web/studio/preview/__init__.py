"""What the preview shows of a newsletter: mail, text, inbox line, findings, variants, pictures."""
