"""The truth that the shipped bundles were made from, and whether an answer of the service agrees with it."""

import json
import math
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from app.demo.report import JsonObject

MAX_EPICENTER_ERROR_KM = 150.0
"""An epicenter farther from the true one is right only if the true one is in its 90 % ellipse..."""
MAX_UNCERTAINTY_KM = 500.0
"""...and the epicenter is stated to be known as well as this."""
MAX_DEVIATIONS = 3.0
"""Standard deviations that a depth or a force azimuth may be off."""
MIN_FAMILY_PURITY = 0.9
"""Fraction of the events that are of the most frequent kind of their family."""
KM_PER_DEGREE = 111.195


class Verdict(NamedTuple):
    """The truth in words, and whether an answer agrees with it."""

    truth: str
    right: bool


def read_truth(folder: Path) -> JsonObject:
    """Read the truth of all bundles of a folder, by name of the bundle."""
    truth: JsonObject = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    return truth


def judge_class(result: JsonObject, truth: JsonObject) -> Verdict:
    """Compare the class of an event with the true one; "none" is that of noise."""
    return Verdict(f"{_name_event(truth)}", result["event_type"] == truth["event_type"])


def judge_location(result: JsonObject, truth: JsonObject) -> Verdict:
    """Compare class, epicenter, and depth or force azimuth with the true ones; noise has no epicenter."""
    epicenter, class_right = result["epicenter"], result["event_type"] == truth["event_type"]
    if epicenter is None or "latitude" not in truth:
        return Verdict(_name_event(truth), class_right and epicenter is None and "latitude" not in truth)
    error_km, inside = compare_epicenter(epicenter, (truth["latitude"], truth["longitude"]))
    region = f"{error_km:.0f} km from the answer and {'in' if inside else 'not in'} its 90 % ellipse"
    source = f"depth {truth['depth_km']:.0f} km" if "depth_km" in truth else f"force azimuth {truth['force_azimuth_deg']:.0f}°"
    close = error_km <= MAX_EPICENTER_ERROR_KM or (inside and epicenter["horizontal_uncertainty_km"] <= MAX_UNCERTAINTY_KM)
    place = f"{truth['latitude']:.2f}°, {truth['longitude']:.2f}°"
    return Verdict(f"{_name_event(truth)} at {place}, {region}; {source}", class_right and close and agrees_with_source(result, truth))


def agrees_with_source(result: JsonObject, truth: JsonObject) -> bool:
    """Return whether depth and force azimuth, where stated, are within three standard deviations; ambiguous azimuths modulo 180."""
    agree = True
    if result.get("depth_km") is not None and "depth_km" in truth:
        agree = abs(result["depth_km"] - truth["depth_km"]) <= MAX_DEVIATIONS * result["depth_uncertainty_km"]
    if result.get("force_azimuth_deg") is not None and "force_azimuth_deg" in truth:
        turn = 180.0 if result["force_azimuth_ambiguous"] else 360.0
        error_deg = abs((result["force_azimuth_deg"] - truth["force_azimuth_deg"] + turn / 2) % turn - turn / 2)
        agree = agree and error_deg <= MAX_DEVIATIONS * result["force_azimuth_uncertainty_deg"]
    return agree


def judge_families(result: JsonObject, truth: JsonObject) -> Verdict:
    """Compare families with the kinds of their events: there are as many, and nearly all events of a family are of one kind."""
    kinds = Counter(truth.values())
    families: dict[int, Counter[str]] = {}
    for event in result["assignments"]:
        families.setdefault(event["cluster"], Counter())[truth[event["event"]]] += 1
    pure = sum(family.most_common(1)[0][1] for family in families.values()) / len(result["assignments"])
    described = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    right = result["k"] == len(kinds) and pure >= MIN_FAMILY_PURITY
    return Verdict(f"{described}; {pure:.0%} of the events are of the most frequent kind of their family", right)


def compare_epicenter(epicenter: JsonObject, true: tuple[float, float]) -> tuple[float, bool]:
    """Return the distance of an epicenter from the true one (latitude, longitude) in kilometers, and whether its 90 % ellipse has that."""
    latitude, longitude = math.radians(epicenter["latitude"]), math.radians(epicenter["longitude"])
    true_latitude, true_longitude = map(math.radians, true)
    across = true_longitude - longitude
    east = math.sin(across) * math.cos(true_latitude)
    north = math.cos(latitude) * math.sin(true_latitude) - math.sin(latitude) * math.cos(true_latitude) * math.cos(across)
    cosine = math.sin(latitude) * math.sin(true_latitude) + math.cos(latitude) * math.cos(true_latitude) * math.cos(across)
    error_km = math.degrees(math.atan2(math.hypot(east, north), cosine)) * KM_PER_DEGREE
    ellipse = epicenter["outer_ellipse"]
    turned = math.atan2(east, north) - math.radians(ellipse["azimuth_deg"])
    ratio = math.hypot(math.cos(turned) / ellipse["semi_major_km"], math.sin(turned) / ellipse["semi_minor_km"])
    return error_km, error_km * ratio <= 1.0


def _name_event(truth: JsonObject) -> str:
    return {"none": "noise, no event", "earthquake": "tectonic earthquake", "glacial": "glacial earthquake"}[truth["event_type"]]
