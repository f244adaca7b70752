"""A newsletter's action page: `action.md` parsed, and its text as HTML."""
