"""Evidence from arrival times: phase association by a travel-time stack, and the hypocenter."""
