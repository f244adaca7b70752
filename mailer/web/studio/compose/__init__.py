"""The Write room: the fields and the text of a newsletter, beside them what people get, and what is wrong with it."""
