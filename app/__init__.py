"""A caller: the HTTP face of the service. Knows no waveform, no network, no array."""
