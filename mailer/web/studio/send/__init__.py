"""The Send room: what is in the way of a newsletter, when it leaves, and the hold in which it can be stopped."""
