"""Tests of accounts, sessions, rights and the audit log."""
