"""Artifacts: cards, verified loading, inference on ONNX Runtime."""
