"""Measurements, each beside a named counterpart in the same run. `make bench`; never part of the tests."""
