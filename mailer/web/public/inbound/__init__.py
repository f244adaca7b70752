"""Posts from other programs: provider events and conversions."""
