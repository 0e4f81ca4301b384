"""The face of an FDSN event web service (fdsnws-event 1.2) over finished locations."""
