"""All newsletters: the list, the gallery that a new one begins with, another name, put away."""
