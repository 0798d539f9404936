"""A model of what synthesis makes of those parts, fitted to runs of it."""
