"""Tests on the ledger: who gets which version, or which stage; what they did; and what is decided from it."""
