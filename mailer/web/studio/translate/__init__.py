"""A newsletter in other languages: adding one, what changed in the original since, taking one away."""
