"""SendGrid: requests, the values that recipients share, events and their signature."""
