"""Ideas for the distance reader, each tried alone on equal data and an equal budget: lateral structure, and other backbones."""
