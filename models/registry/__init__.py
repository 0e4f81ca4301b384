"""Artifacts of trained networks: cards, verification, and inference with ONNX Runtime."""
