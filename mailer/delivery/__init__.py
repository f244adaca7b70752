"""Sending: campaigns, the ledger of deliveries, the engine that sends them, the schedule."""
