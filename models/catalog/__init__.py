"""The declared models: one file a model, what it reads and what it says."""
