"""The HTTP API of the service. It handles bytes, jobs and keys; no waveform, array or network is read here."""
