"""Email campaigns for advocacy groups."""
