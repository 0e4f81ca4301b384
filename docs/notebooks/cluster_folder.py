# %% [markdown]
# # Group a folder of events
#
# This notebook sends a folder of unlabeled events to the service, asks how many families of similar events it holds,
# and looks at them. It is a script: run it as it is, or open it as a notebook in VS Code or, with jupytext, in Jupyter.
#
# It needs a running service (`make serve`), the client and Matplotlib (`pip install ./client matplotlib`). `ATLAS_URL` is
# the address of the service, `EVENTS` the folder or archive: each waveform file at its top and each folder in it is one
# event. Without it, the synthetic events that ship with the service are taken, from the top of a clone.

# %%
import os
from collections import Counter
from pathlib import Path

import matplotlib.pyplot as plt

from seismic_atlas_client import Client

EVENTS = Path(os.environ.get("EVENTS", "app/demo_bundles/anomalies.zip"))
K_MAX = int(os.environ.get("K_MAX", "8"))
folder = Path("families")
folder.mkdir(exist_ok=True)

# %% [markdown]
# ## Cluster

# %%
with Client() as client:
    job = client.submit_cluster(EVENTS, k_max=K_MAX)
    result = job.wait(on_progress=lambda state: print(f"{state.stage}: {state.progress:.0%}"))
    job.save_figures(folder / "figures")

for warning in result.warnings:
    print(warning.part, warning.detail)
print(f"{len(result.assignments)} events, {result.k} families, significant: {result.structure_found}")

# %% [markdown]
# ## How many families?
#
# `excess` is the silhouette minus that of events without structure; its maximum chooses the number. Where
# `structure_found` is false, the families are only the best division, not a finding.

# %%
figure, axes = plt.subplots(figsize=(6, 4))
axes.plot([row.k for row in result.selection], [row.silhouette for row in result.selection], "o-", label="silhouette")
axes.plot([row.k for row in result.selection], [row.excess for row in result.selection], "s-", label="excess")
axes.axvline(result.k, color="0.7")
axes.set_xlabel("Number of families")
axes.legend()
figure.savefig(folder / "selection.png", dpi=120)

# %% [markdown]
# ## The families
#
# Look at the representatives first: they are nearest the centers. Events with a low confidence, and outliers, deserve a
# look of their own.

# %%
sizes = Counter(row.cluster for row in result.assignments)
for family in result.clusters:
    print(f"family {family.cluster}: {sizes[family.cluster]} events, for example {', '.join(family.representatives[:3])}")
for row in sorted(result.assignments, key=lambda row: row.confidence):
    if row.outlier or row.confidence < 0.6:
        print(f"{row.event}: family {row.cluster}, confidence {row.confidence:.2f}{', outlier' if row.outlier else ''}")

with (folder / "families.csv").open("w") as table:
    table.write("event,family,confidence\n")
    table.writelines(f"{row.event},{row.cluster},{row.confidence:.3f}\n" for row in result.assignments)
