"""Evidence from arrays: semblance, plane waves, and the likelihood of an epicenter given their slowness vectors."""
