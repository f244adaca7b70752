"""Following: how a newsletter that leaves is doing, and what somebody with the right does about it."""
