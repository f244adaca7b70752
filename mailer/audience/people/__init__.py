"""One person's data: found, changed, exported, and told as a timeline."""
