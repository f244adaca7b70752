"""What the rules look at: the compiled HTML, its CSS, the audience, the links, what mail programs support."""
