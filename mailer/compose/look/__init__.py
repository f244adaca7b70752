"""How a mail looks, worked out from [brand], the language and the words: what layouts are given beside the text."""
