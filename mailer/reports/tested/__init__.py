"""What tests of versions came to: that of one newsletter in words, and all there were as a memory."""
