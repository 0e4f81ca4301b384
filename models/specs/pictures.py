"""The styles of the pictures that the declared models read; every value is stated here and nowhere else."""

from models.imaging.style import AmplitudeStyle, Band, BeamStyle, CloseUp, Conditioning, FrequencyStyle, SectionStyle, SourceStyle

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

# Rows and columns of a section. With another number artifacts trained for this one are refused, and the models must be trained again.
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

# Reduced by the phase velocity of 50 to 100 s Rayleigh waves, not by their group velocity, so that crests, and with them polarity, have the
# same time at every distance. Bands and columns (8 s) are chosen to resolve crests. Networks learned next to nothing about a force from it
# (see docs/decisions); it is kept for comparison.
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

# Phase velocities of fundamental Rayleigh waves halfway between PREM and a continental crust, which differ from them by 0.6 % at 100 s:
# measured as the slope of phase over distance of Green's functions of a horizontal force, whose initial phase is 135 degrees.
FORCE_BEAM = BeamStyle(
    kind="beam",
    conditioning=CONDITIONING,
    window_s=512.0,
    columns=64,
    rows=36,
    lead_s=160.0,
    bands=(
        Band(shortest_period_s=50.0, longest_period_s=100.0),
        Band(shortest_period_s=70.0, longest_period_s=140.0),
        Band(shortest_period_s=100.0, longest_period_s=200.0),
    ),
    instrument_band=Band(shortest_period_s=25.0, longest_period_s=45.0),
    least_long_noise=0.5,
    phase_periods_s=(30.0, 40.0, 50.0, 60.0, 75.0, 100.0, 125.0, 150.0, 200.0, 250.0),
    phase_velocities_km_s=(3.852, 3.909, 3.938, 3.960, 3.997, 4.075, 4.170, 4.284, 4.556, 4.850),
    reduction_velocity_km_s=3.8,
    initial_phase_deg=135.0,
    velocity_scatter=0.008,
    gain_scatter=0.3,
    full_scale=12.0,
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
