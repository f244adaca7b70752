"""Tests of mailer.review."""
