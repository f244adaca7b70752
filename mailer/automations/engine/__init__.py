"""The engine of automations: who comes in, moves on and leaves, and what is mailed, by the one ledger."""
