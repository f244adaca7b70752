"""The room Audience: who should get a newsletter, as rows or as text, with the count and its reasons beside it."""
