"""History: what was done with one newsletter, by its lines of the audit log."""
