"""What the application, the workers and the training share: seismology, pictures, declared models, artifacts, analysis."""
