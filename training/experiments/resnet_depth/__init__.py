"""ResNet18 to ResNet152 compared, as in the paper."""
