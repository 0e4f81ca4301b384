"""Source inversion: moment tensor or single force of long-period waveforms, with depth and epicenter."""
