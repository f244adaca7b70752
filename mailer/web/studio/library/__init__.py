"""The library: pictures over all newsletters, and templates."""
