"""
Workers: read, classify, locate and cluster uploaded events.

The light half (contracts, settings, problems, logs, queue, storage, `bundles.formats`) is shared with the API process and
imports no numerics; the heavy half (bundles, jobs, plots, exports) runs in worker processes; `runtime` starts them.
"""
