"""What a reply, a bounce or an event says: of whom it speaks, and whose fault that makes it."""
