"""What a message takes from data: sources named in its front matter, and their values once somebody has read them."""
