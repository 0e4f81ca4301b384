import subprocess
import sys
from pathlib import Path

from models.warm_up import warm

ROOT = Path(__file__).parents[2]
CHECK = """
import runpy
from models.warm_up import warm
from models.imaging import conditioning, trace_picture, wiggles, window
warm()
loops = [conditioning._prepare, conditioning._mask, wiggles._draw_band, trace_picture._to_baseband, trace_picture._decibels, window._cut]
before = [loop.signatures for loop in loops]
assert all(before), before
runpy.run_path("tests/golden/draw.py")["chain"]()
assert [loop.signatures for loop in loops] == before
"""


def test_warming_twice_is_harmless():
    warm()
    warm()


def test_afterward_nothing_is_left_to_compile():
    subprocess.run([sys.executable, "-c", CHECK], check=True, timeout=110, cwd=ROOT)
