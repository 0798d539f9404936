"""Networks of other libraries become a SpikingNetwork: snntorch's, as they are."""
