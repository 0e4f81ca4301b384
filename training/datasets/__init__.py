"""Archives of waveforms and the shards of pictures that networks are trained on."""
