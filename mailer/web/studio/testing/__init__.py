"""The page on which a newsletter's test is set up, what a test says while it runs, and staff's own decision."""
