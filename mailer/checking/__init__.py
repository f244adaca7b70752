"""The preflight of a newsletter: rules, what they look at, and the run that collects their findings."""
