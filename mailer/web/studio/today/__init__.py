"""Today: what is leaving now, what is next, what waits for somebody, what went wrong, how the last one did."""
