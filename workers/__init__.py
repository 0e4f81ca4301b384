"""The one who does the work. Light half: settings, contracts, blobs, records, dispatch. Heavy half: the jobs."""
