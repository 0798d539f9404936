"""Proofs of the folded architecture."""
