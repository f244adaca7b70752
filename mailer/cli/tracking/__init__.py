"""Commands about what comes back: bounces, clicks, conversions."""
