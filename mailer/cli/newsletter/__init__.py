"""Commands about what is written: init, new, check, render, preview."""
