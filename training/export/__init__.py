"""Trained networks as ONNX artifacts."""
