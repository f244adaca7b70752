"""A newsletter's sign page: `action.md` parsed, and its text as HTML."""
