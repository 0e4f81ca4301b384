"""Depth of an earthquake from the delays of pP and sP, waves that leave the source upward, after P."""
