"""Experiments on the location: common distance error, class prior, simulated networks, the paper's iteration, the surface-wave stack."""
