"""What staff do with automations: start and end them, look at their numbers, try them out."""
