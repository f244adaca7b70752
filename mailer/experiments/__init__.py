"""The mathematics of tests: which version of a message is better, how sure that is, and how many people it takes.

Pure: numbers in, named decisions out. Who gets which version, and what is done with a decision, is for
`delivery.experiments`.
"""
