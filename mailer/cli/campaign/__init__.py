"""Commands about a campaign: audience, send, schedule, run, status, report."""
