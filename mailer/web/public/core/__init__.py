"""What the public pages share: context, sent messages, cached pages, the click writer, the signature form."""
