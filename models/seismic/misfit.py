"""
How well points of the sphere explain predicted distances: the compiled arithmetic below `location`.

Residuals (distance less predicted distance less an error `bias` common to all traces) follow Student's t of 3 degrees of
freedom, scaled by each trace's uncertainty; the bias is normal around zero. A trace far off pulls less the further off it is
(influence as 1/residual, like Cauchy's), while good ones keep nearly all of their weight. After Lange, Little & Taylor 1989,
doi:10.1080/01621459.1989.10478852. All angles here are degrees.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np
from numpy.typing import NDArray

FREEDOM = 3.0
_BLOCK = 256
_FACTORS_A_LOGARITHM = 32  # 1 + (180 / smallest scale)² / 3 to the 32nd power stays below 1e308 for scales from 0.01
_DEGREES = 180.0 / math.pi

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


def _compiled[F: Callable[..., Any]](function: F) -> F:
    """Machine code without the interpreter lock; products may fuse with sums, and 1/0 is inf, or nothing would vectorize."""
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})(function))


@_compiled
def log_posterior(nodes: Singles, stations: Singles, distances: Singles, scales: Singles, bias_deviation: float, rounds: int) -> Floats:
    """
    Logarithm of the density at nodes [3, m] (unit vectors), less a constant, with the common bias integrated out.

    `stations` [3, n] unit vectors, `distances`, `scales` [n]. The bias that fits a node best is found in `rounds` reweighted
    means; what is left of it is integrated as a normal distribution (Laplace).
    """
    count = nodes.shape[1]
    result = np.empty(count, np.float64)
    residuals = np.empty((len(distances), _BLOCK), np.float32)
    precision = np.empty(_BLOCK, np.float32)
    pull = np.empty(_BLOCK, np.float32)
    bias = np.empty(_BLOCK, np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        _residuals(nodes[:, start : start + size], stations, distances, residuals)
        bias[:] = 0.0
        for _ in range(rounds):
            _best_bias(residuals, scales, np.float32(bias_deviation**-2.0), size, precision, pull, bias)
        result[start : start + size] = _log_density(residuals, scales, bias, size)
        for k in range(size):
            result[start + k] -= 0.5 * ((bias[k] / bias_deviation) ** 2 + math.log(precision[k]))
    return result


@_compiled
def _residuals(nodes: Singles, stations: Singles, distances: Singles, residuals: Singles) -> None:
    """Arc cosine by polynomial (Abramowitz & Stegun 4.4.45, within 0.004 degrees)."""
    for i in range(len(distances)):
        x, y, z, distance = stations[0, i], stations[1, i], stations[2, i], distances[i]
        for k in range(nodes.shape[1]):
            cosine = x * nodes[0, k] + y * nodes[1, k] + z * nodes[2, k]
            size = min(abs(cosine), np.float32(1.0))
            slope = np.float32(1.5707288) + size * (np.float32(-0.2121144) + size * (np.float32(0.0742610) - size * np.float32(0.0187293)))
            angle = np.float32(_DEGREES) * (math.sqrt(np.float32(1.0) - size) * slope)
            residuals[i, k] = (angle if cosine >= 0 else np.float32(180.0) - angle) - distance


@_compiled
def _best_bias(residuals: Singles, scales: Singles, prior: np.float32, size: int, precision: Singles, pull: Singles, bias: Singles) -> None:
    precision[:size] = prior
    pull[:size] = 0.0
    for i in range(len(scales)):
        narrow = np.float32(1.0) / (np.float32(FREEDOM) * scales[i] ** 2)
        most = np.float32(FREEDOM + 1.0) * narrow
        for k in range(size):
            off = residuals[i, k] - bias[k]
            weight = most / (np.float32(1.0) + off * off * narrow)
            precision[k] += weight
            pull[k] += weight * residuals[i, k]
    for k in range(size):
        bias[k] = pull[k] / precision[k]


@_compiled
def _log_density(residuals: Singles, scales: Singles, bias: Singles, size: int) -> Floats:
    """Sum of the logarithms of Student densities; factors are multiplied up, since a logarithm costs more than 30 products."""
    total = np.zeros(size)
    product = np.ones(size)
    for i in range(len(scales)):
        narrow = np.float32(1.0) / (np.float32(FREEDOM) * scales[i] ** 2)
        for k in range(size):
            off = residuals[i, k] - bias[k]
            product[k] *= np.float64(np.float32(1.0) + off * off * narrow)
        if i % _FACTORS_A_LOGARITHM == _FACTORS_A_LOGARITHM - 1 or i == len(scales) - 1:
            for k in range(size):
                total[k] -= 0.5 * (FREEDOM + 1.0) * math.log(product[k])
                product[k] = 1.0
    return total


@_compiled
def refine(point: Floats, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float, steps: int) -> tuple[Floats, float]:
    """
    The nearby point (unit vector [3]) and common bias that explain the distances best.

    Damped Gauss-Newton on the sphere with reweighting, in double precision; `stations` [3, n].
    """
    bias, damping = 0.0, 1e-3
    loss = _loss(point, bias, stations, distances, scales, bias_deviation)
    for _ in range(steps):
        step = _step(point, bias, stations, distances, scales, bias_deviation, damping)
        moved = _moved(point, step[0], step[1])
        moved_loss = _loss(moved, bias + step[2], stations, distances, scales, bias_deviation)
        if moved_loss < loss:
            point, bias, loss, damping = moved, bias + step[2], moved_loss, damping * 0.2
            if abs(step[0]) + abs(step[1]) + abs(step[2]) < 1e-7:
                break
        else:
            damping = max(damping, 1e-3) * 10.0
            if damping > 1e9:
                break
    return point, bias


@_compiled
def _loss(point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float) -> float:
    total = 0.5 * (bias / bias_deviation) ** 2
    for i in range(len(distances)):
        off = (_angle(point, stations[:, i]) - distances[i] - bias) / scales[i]
        total += 0.5 * (FREEDOM + 1.0) * math.log1p(off * off / FREEDOM)
    return total


@_compiled
def _step(point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float, damping: float) -> Floats:
    """East, north and bias, all in degrees."""
    east, north = _axes(point)
    matrix = np.zeros((3, 3))
    vector = np.zeros(3)
    matrix[2, 2] = bias_deviation**-2.0
    vector[2] = -bias * bias_deviation**-2.0
    slope = np.empty(3)
    for i in range(len(distances)):
        station = stations[:, i]
        angle = _angle(point, station)
        sine = max(math.sin(angle / _DEGREES), 1e-6)
        slope[0], slope[1], slope[2] = -_dot(station, east) / sine, -_dot(station, north) / sine, -1.0
        off = angle - distances[i] - bias
        weight = (FREEDOM + 1.0) / (FREEDOM * scales[i] ** 2 + off * off)
        for a in range(3):
            vector[a] -= weight * slope[a] * off
            for b in range(3):
                matrix[a, b] += weight * slope[a] * slope[b]
    for a in range(3):
        matrix[a, a] = matrix[a, a] * (1.0 + damping) + 1e-12
    solution: Floats = np.linalg.solve(matrix, vector)
    return solution


@_compiled
def _moved(point: Floats, east_deg: float, north_deg: float) -> Floats:
    """A point of the sphere after a step along the great circle, 10 degrees at most."""
    length = math.hypot(east_deg, north_deg)
    if length < 1e-12:
        return point
    east, north = _axes(point)
    arc = min(length, 10.0) / _DEGREES
    moved: Floats = np.cos(arc) * point + np.sin(arc) * (east_deg / length * east + north_deg / length * north)
    return moved


@_compiled
def _axes(point: Floats) -> tuple[Floats, Floats]:
    """East and north at a point; at a pole any two."""
    flat = math.hypot(point[0], point[1])
    east = np.array([-point[1] / flat, point[0] / flat, 0.0]) if flat > 1e-12 else np.array([0.0, 1.0, 0.0])
    return east, np.cross(point, east)


@_compiled
def _angle(a: Floats, b: Floats) -> float:
    x, y, z = a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]
    return _DEGREES * math.atan2(math.sqrt(x * x + y * y + z * z), _dot(a, b))


@_compiled
def _dot(a: Floats, b: Floats) -> float:
    product: float = a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
    return product
