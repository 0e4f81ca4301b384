"""The pictures that the declared models read, each value spelled out here and nowhere else."""

from models.imaging.style import AmplitudeStyle, Band, CloseUp, Conditioning, FrequencyStyle, SectionStyle, SourceStyle

CONDITIONING = Conditioning(sampling_rate_hz=1.0, shortest_period_s=8.0, longest_period_s=200.0, taper_s=30.0)

THREE_BANDS = (
    Band(shortest_period_s=12.0, longest_period_s=25.0),
    Band(shortest_period_s=25.0, longest_period_s=50.0),
    Band(shortest_period_s=50.0, longest_period_s=120.0),
)

SHORT_BANDS = (
    Band(shortest_period_s=9.0, longest_period_s=16.0),
    Band(shortest_period_s=16.0, longest_period_s=32.0),
    Band(shortest_period_s=32.0, longest_period_s=80.0),
)

TRACE_AMPLITUDE = AmplitudeStyle(
    kind="amplitude",
    conditioning=CONDITIONING,
    window_s=5120.0,
    columns=512,
    rows=48,
    bands=THREE_BANDS,
)

TRACE_FREQUENCY = FrequencyStyle(
    kind="frequency",
    zooms=(1.0, 4.0),
    conditioning=CONDITIONING,
    window_s=5120.0,
    columns=512,
    rows=48,
    shortest_period_s=10.0,
    longest_period_s=150.0,
    relative_bandwidth=0.15,
    dynamic_range_db=40.0,
)

# Rows and columns of a section. Another number is another picture: weights trained for this one are refused (docs/training.md).
SECTION_PIXELS = 128

DISTANCE_SECTION = SectionStyle(
    kind="section",
    conditioning=CONDITIONING,
    window_s=5120.0,
    columns=SECTION_PIXELS,
    rows=SECTION_PIXELS,
    vertical_axis="distance",
    axis_exponent=0.5,
    reduction_velocity_km_s=None,
    wiggle_rows=4.0,
    one_scale=True,
    quiet_rows=0.4,
    bands=THREE_BANDS,
    close_up=CloseUp(lead_s=120.0, window_s=640.0, bands=SHORT_BANDS),
)

# Reduced by the phase velocity of 50 to 100 s Rayleigh waves, not by their group velocity: so crests, and with them polarity,
# stand at the same time at every distance. Bands and columns (8 s) are chosen for crests to be seen.
LONG_BANDS = (
    Band(shortest_period_s=35.0, longest_period_s=70.0),
    Band(shortest_period_s=50.0, longest_period_s=100.0),
    Band(shortest_period_s=70.0, longest_period_s=150.0),
)

AZIMUTH_SECTION = SectionStyle(
    kind="section",
    conditioning=CONDITIONING,
    window_s=1280.0,
    columns=SECTION_PIXELS,
    rows=SECTION_PIXELS,
    vertical_axis="azimuth",
    axis_exponent=1.0,
    reduction_velocity_km_s=4.05,
    wiggle_rows=6.0,
    one_scale=False,
    quiet_rows=0.6,
    bands=LONG_BANDS,
    close_up=None,
)

SOURCE = SourceStyle(
    kind="source",
    conditioning=CONDITIONING,
    window_s=1024.0,
    columns=32,
    rows=24,
    shortest_period_s=9.0,
    longest_period_s=150.0,
    relative_bandwidth=0.12,
    lead_s=320.0,
    floor_db=13.0,
    dynamic_range_db=60.0,
)
