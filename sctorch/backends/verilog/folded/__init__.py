"""The folded architecture: weights in memory, all neurons of a layer at once, a few inputs per clock."""
