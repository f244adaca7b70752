"""Tests on the ledger: who gets which version or waits behind which gate, what each brings, what is decided."""
