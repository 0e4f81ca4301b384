"""Evidence of what a source was, from amplitudes whose ratio needs no gain."""
