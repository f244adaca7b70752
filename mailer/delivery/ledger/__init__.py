"""The ledger, one row for each delivery, and what governs it: leases, pace, guard rails, schedule."""
