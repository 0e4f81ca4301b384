"""What each choice of picture and network is worth."""
