"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

# Evaluated by typer at run time, therefore Optional.
Files = Annotated[list[Path], typer.Argument(help="Files, folders and archives: waveforms and station metadata.", exists=True)]
OptionalFiles = Annotated[
    list[Path] | None, typer.Argument(help="Files, folders and archives: waveforms and station metadata.", exists=True)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the job as JSON.")]
Figures = Annotated[Path | None, typer.Option(help="Folder to write the figures (PNG) to.")]
Products = Annotated[Path | None, typer.Option(help="Folder to write the result in every format to.")]
Everything = Annotated[Path | None, typer.Option(help="Zip file to write job, results, figures and uploads to.")]
QuakeML = Annotated[Path | None, typer.Option("--quakeml", help="File to write QuakeML to; - for the standard output.")]
Timeout = Annotated[float | None, typer.Option(help="Seconds to wait for the job; it goes on afterwards.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Print the id of the job and do not wait for it.")]
Latitude = Annotated[float | None, typer.Option(min=-90, max=90, help="Latitude of a trial epicenter, degrees.")]
Longitude = Annotated[float | None, typer.Option(min=-180, max=360, help="Longitude of a trial epicenter, degrees.")]
StartTime = Annotated[str | None, typer.Option("--start", help="Time from which samples are used, ISO 8601 in UTC.")]
EndTime = Annotated[str | None, typer.Option("--end", help="Time up to which samples are used, ISO 8601 in UTC.")]
Seed = Annotated[int | None, typer.Option(min=0, help="Seed of all random numbers.")]
ModelVersion = Annotated[str | None, typer.Option(help="Versions that the models must have, as in offset=9.")]
IdempotencyKey = Annotated[str | None, typer.Option(help="Key under which a repeated submission gets the first one's job.")]
EventService = Annotated[
    str | None, typer.Option(help="FDSN event service: USGS, EMSC, ISC, or an address. Without it chosen by the form of the id.")
]
DataCenters = Annotated[
    list[str] | None,
    typer.Option("--data-center", help="FDSN data center, name or address; may be repeated. Default: EARTHSCOPE, GEOFON."),
]
StationCount = Annotated[int, typer.Option("--count", min=1, max=500, help="Number of stations to choose.")]
Bands = Annotated[str, typer.Option(help="Band and instrument codes in order of preference.")]
MinDistance = Annotated[float, typer.Option(min=0, max=180, help="Minimum distance of stations, degrees.")]
MaxDistance = Annotated[
    float | None, typer.Option(min=0, max=180, help="Maximum distance of stations, degrees. Without it chosen by the magnitude.")
]
Before = Annotated[float, typer.Option(help="Seconds before the origin time to begin at.")]
After = Annotated[float, typer.Option(help="Seconds after the origin time to end at.")]
