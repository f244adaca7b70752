"""The pages that supporters see: their templates and what fills them in, for the public door and the preview."""
