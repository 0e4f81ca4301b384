"""Evidence from three components: back azimuth by particle motion."""
