"""The staff's door, on their own machine only. Its first room shows a newsletter while it is being written."""
