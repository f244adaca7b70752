"""The expression language of conditions and segments: parsed, checked, evaluated."""
