"""The Review room: comments by line, proofs, what changed, and who says that it may leave."""
