"""A gather that the toy models can read, and the toy models."""

import numpy as np
import pytest

from models.registry.inference import OnnxModel
from models.registry.store import open_store
from models.seismic.geodesy import destination
from models.seismic.trace_id import TraceId
from models.seismic.waveforms import Gather
from models.specs.index import MODELS
from models.specs.pictures import CONDITIONING


@pytest.fixture(scope="session")
def opened(toy_artifacts):
    """Open every toy model, by name."""
    store = open_store(toy_artifacts)
    return {spec.name: OnnxModel.load(store, spec) for spec in MODELS}


@pytest.fixture(scope="session")
def make_gather():
    """Return a function that makes gathers of noise at stations around 20 N 30 E."""

    def make(traces=8, samples=5120, seed=0, start_s=1.6e9):
        rng = np.random.default_rng(seed)
        lats, lons = destination(20.0, 30.0, np.linspace(0.0, 320.0, traces), rng.uniform(40.0, 100.0, traces))
        return Gather(
            trace_ids=tuple(TraceId("XX", f"S{i:02}", "", "LHZ") for i in range(traces)),
            start_time_s=start_s,
            sampling_rate_hz=CONDITIONING.sampling_rate_hz,
            samples=rng.normal(size=(traces, samples)).astype(np.float32),
            latitudes_deg=lats,
            longitudes_deg=lons,
        )

    return make
