"""Moving house: from another program to this one, so that everybody of the other side is accounted for."""
