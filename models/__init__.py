"""What all of them know: the words of the field, the pictures, the declared models and their artifacts."""
