# %% [markdown]
# # From an event id to QuakeML
#
# This notebook takes an event of a catalog, fetches records of it from FDSN web services, has the service locate it
# from these records alone, and compares both locations. It is a script: run it as it is, or open it as a notebook in VS
# Code or, with jupytext, in Jupyter.
#
# It needs a running service (`make serve`) and the client with ObsPy (`pip install './client[obspy]'`). The addresses
# of the services are taken from the environment: `ATLAS_URL`, `EVENT_ID`, `EVENT_SERVICE` and `DATA_CENTER`.

# %%
import os
import zipfile
from pathlib import Path

import matplotlib.pyplot as plt
import obspy
from obspy.geodetics import gps2dist_azimuth, locations2degrees

from seismic_atlas_client import Client
from seismic_atlas_client.fdsn.download import FetchPlan, fetch_event
from seismic_atlas_client.fdsn.events import find_event

EVENT_ID = os.environ.get("EVENT_ID", "us7000pn9s")
EVENT_SERVICE = os.environ.get("EVENT_SERVICE", "USGS")
DATA_CENTER = os.environ.get("DATA_CENTER", "EARTHSCOPE")
folder = Path("event")
folder.mkdir(exist_ok=True)

# %% [markdown]
# ## The event of the catalog
#
# Only its time and place are used, and only to choose stations and the window of time. The service is not told them.

# %%
event = find_event(EVENT_ID, EVENT_SERVICE)
print(f"{event.time}  {event.latitude:.2f} N {event.longitude:.2f} E  {event.depth_km} km  magnitude {event.magnitude}")

# %% [markdown]
# ## The records
#
# Stations are chosen such that azimuths and distances are covered with few of them. The bundle is a zip archive of
# miniSEED and StationXML, which can be sent again at any time.

# %%
plan = FetchPlan(data_centers=(DATA_CENTER,), count=16)
bundle = fetch_event(event, plan, folder / "bundle.zip", report=print)
print(bundle)

# %% [markdown]
# ## The location
#
# `locate` waits for the end of the job. The result has every field of the answer; warnings say what was wrong with the
# records.

# %%
with Client() as client:
    job = client.submit_locate(folder / "bundle.zip")
    result = job.wait(on_progress=lambda state: print(f"{state.stage}: {state.progress:.0%}"))
    job.save_figures(folder / "figures")
    job.save_products(folder / "products")

for warning in result.warnings:
    print(warning.trace or warning.part, warning.code, warning.detail)
print(result.event_type, result.method)

# %% [markdown]
# ## Compare with the catalog
#
# The epicenter is in the circle of `horizontal_uncertainty_km` about the stated one in two of three cases.

# %%
catalog = result.to_catalog()
catalog.write(str(folder / "event.xml"), format="QUAKEML")
if result.epicenter is None:
    print("no event was detected:", result.detection)
else:
    meters, _, _ = gps2dist_azimuth(event.latitude, event.longitude, result.epicenter.latitude, result.epicenter.longitude)
    print(f"{meters / 1000:.0f} km from the catalog, stated {result.epicenter.horizontal_uncertainty_km:.0f} km")
    print(f"{obspy.UTCDateTime(result.origin_time) - event.time:+.1f} s, stated {result.origin_time_uncertainty_s:.1f} s")
    print(f"depth {result.depth_km} km, stated {result.depth_uncertainty_km} km; catalog {event.depth_km} km")

# %% [markdown]
# ## A record section with the arrivals
#
# Distances are those from the epicenter of the service. Red bars are the picks that it assigned to a phase.

# %%
figure, axes = plt.subplots(figsize=(9, 7))
if result.epicenter is not None:
    origin_time = obspy.UTCDateTime(result.origin_time)
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        archive.extractall(folder / "bundle")
    stream = obspy.read(str(folder / "bundle" / "waveforms.mseed"), format="MSEED")
    stream.detrend("demean").filter("bandpass", freqmin=0.01, freqmax=0.05)
    inventory = obspy.Inventory()
    for path in (folder / "bundle").glob("*.xml"):
        inventory += obspy.read_inventory(str(path), format="STATIONXML")
    times = {}
    for arrival in result.arrivals:
        times.setdefault(arrival.trace, []).append(obspy.UTCDateTime(arrival.time) - origin_time)
    for trace in stream.select(component="Z"):
        place = inventory.get_coordinates(trace.id, trace.stats.starttime)
        distance = locations2degrees(result.epicenter.latitude, result.epicenter.longitude, place["latitude"], place["longitude"])
        axes.plot(trace.times(reftime=origin_time), distance + 2.0 * trace.data / abs(trace.data).max(), color="0.3", linewidth=0.6)
        axes.vlines(times.get(trace.id, []), distance - 1.5, distance + 1.5, color="C3")
axes.set_xlabel("Time after the origin, s")
axes.set_ylabel("Distance, degrees")
figure.savefig(folder / "section.png", dpi=120)
