"""The preflight: rules that look at a newsletter before anyone is mailed, and what they have to say about it."""
