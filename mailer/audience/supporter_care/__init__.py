"""What staff do for one supporter or for many: explain a mail, change what is known, put things right."""
