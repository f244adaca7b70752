"""What all rooms of the studio share: routes that name their right, visits, pages, and who may come in."""
