"""The paper's comparison of ResNet18 to ResNet152."""
