"""Network architectures in PyTorch, imported by training only: backbones, heads, and the kernel regression of families."""
