"""The languages that supporters are spoken to in. A language is one file here, <code>.po, and nothing else.

The file has the words of pages, notices and mails, and what checks know of a language. Everything else comes from the
Unicode CLDR: dates, numbers, names of countries and of languages, the direction of its script, quotation marks.
`python -m scripts.catalogues pt_BR` begins one, or brings new words into all.
"""
