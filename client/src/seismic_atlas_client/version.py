"""Version of the client; that of the service whose contract it was checked against."""

VERSION = "0.1.0"
