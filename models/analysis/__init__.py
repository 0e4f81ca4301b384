"""From a gather to an answer: distances, epicenter and origin time, class, depth, force azimuth, embedding."""
