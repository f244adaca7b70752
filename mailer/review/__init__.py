"""Before a newsletter leaves: who approved exactly what, what is said about it, and who looks at proofs."""
