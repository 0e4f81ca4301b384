"""Everything is compiled before the first job."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.seismic.arrays import semblance
from models.seismic.association import stack as association_stack
from models.seismic.surface_waves import stack as surface_wave_stack
from models.warm_up import warm_up

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHECK = """
import runpy
from models.warm_up import warm_up
from models.imaging import conditioning, trace_picture, wiggles, window
warm_up()
loops = [conditioning._prepare, conditioning._mask, wiggles._draw_band, trace_picture._to_baseband, trace_picture._decibels, window._cut]
before = [loop.signatures for loop in loops]
assert all(before), before
runpy.run_path("tests/golden/draw.py")["chain"]()
assert [loop.signatures for loop in loops] == before
"""


def test_warming_up_compiles_the_loops_of_location_and_may_be_repeated():
    warm_up()
    warm_up()
    loops = (
        semblance.beam_energies,
        association_stack.stack_along_curves,
        surface_wave_stack.detection_llr,
        surface_wave_stack.stack_sources,
    )
    assert all(loop.signatures for loop in loops)


def test_after_warming_up_no_loop_of_a_picture_is_left_to_compile():
    subprocess.run([sys.executable, "-c", CHECK], check=True, timeout=110, cwd=ROOT)
