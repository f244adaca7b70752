"""Staff: who may use the studio, how they sign in, what they may do, and the log of what was done."""
