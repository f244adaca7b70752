"""Before a newsletter leaves: what exactly was approved and by whom, what is said about it, and who looks at proofs."""
