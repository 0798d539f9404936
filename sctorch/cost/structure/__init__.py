"""What designs are made of, counted from their plans."""
