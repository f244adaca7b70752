"""Tests of the Review room."""
