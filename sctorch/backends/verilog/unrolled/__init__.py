"""The unrolled architecture: constant weights in logic, one tick per clock."""
