"""Bundles from FDSN web services: events of catalogs, the choice of stations, and the download. Needs the extra `obspy`."""
