"""A campaign's life: planned, launched, paused, resumed, cancelled, finished; and its status."""
