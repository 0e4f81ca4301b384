"""Experiments on the location: common distance error, class prior, simulated networks, surface-wave stack."""
