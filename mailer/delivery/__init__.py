"""The sending: campaigns, the ledger of deliveries, the engine that works it off, the schedule."""
