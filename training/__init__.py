"""The one who teaches: synthetic Earth, training, evaluation, export."""
