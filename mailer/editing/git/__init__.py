"""The workspace in git: saves as commits, and the repository that others use."""
