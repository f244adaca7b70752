"""Requests before any page sees them: middleware, threads, limits, paths, forms, caching; and the pages' templates."""
