"""Tests of versions: who gets which, what each brings, what is decided, and when the rest get theirs."""
