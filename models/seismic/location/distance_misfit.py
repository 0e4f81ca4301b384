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

from models.array_types import Floats, Floats32

DEGREES_OF_FREEDOM = 3.0
LANES = 4
_BLOCK = 256
_MAX_MEANS = 60
_DEGREES = 180.0 / math.pi


def _compiled[F: Callable[..., Any]](function: F) -> F:
    """Machine code without the interpreter lock; products may fuse with sums, and 1/0 is inf, or nothing would vectorize."""
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})(function))


@_compiled
def log_posterior(nodes: Floats32, stations: Floats32, distances: Floats32, scales: Floats32, bias_deviation: float, rounds: int) -> Floats:
    """
    Logarithm of the density at nodes [3, m] (unit vectors), less a constant, with the common bias integrated out.

    `stations` [3, n] unit vectors, `distances`, `scales` [n] of 0.1 and more, where n is a multiple of TOGETHER: fill up with
    stations of infinite scale, which say nothing. The bias that fits a node best is found in `rounds` reweighted means (one
    at least); what is left of it is integrated as a normal distribution (Laplace).
    """
    count = nodes.shape[1]
    result = np.empty(count, np.float64)
    residuals = np.empty((len(distances), _BLOCK), np.float32)
    precision = np.empty(_BLOCK, np.float32)
    bias = np.empty(_BLOCK, np.float32)
    for start in range(0, count, _BLOCK):
        size = min(_BLOCK, count - start)
        _residuals(nodes, start, size, stations, distances, residuals)
        bias[:] = 0.0
        for _ in range(rounds):
            _best_bias(residuals, scales, np.float32(bias_deviation**-2.0), size, precision, bias)
        result[start : start + size] = _log_density(residuals, scales, bias, precision, size)
        for k in range(size):
            result[start + k] -= 0.5 * (bias[k] / bias_deviation) ** 2
    return result


@_compiled
def _residuals(nodes: Floats32, start: int, size: int, stations: Floats32, distances: Floats32, residuals: Floats32) -> None:
    """Distances from `size` nodes on; arc cosine by polynomial (Abramowitz & Stegun 4.4.45, within 0.004 degrees)."""
    zero, one, half_turn = np.float32(0.0), np.float32(1.0), np.float32(180.0)
    c0, c1, c2, c3 = np.float32(89.996131), np.float32(-12.153260), np.float32(4.2548419), np.float32(-1.0731098)
    # Copies of a known layout, here and in the rows below, are what lets the loops run on vectors.
    node_x, node_y, node_z = np.empty(size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    for k in range(size):
        node_x[k], node_y[k], node_z[k] = nodes[0, start + k], nodes[1, start + k], nodes[2, start + k]
    for i in range(len(distances)):
        x, y, z, distance = stations[0, i], stations[1, i], stations[2, i], distances[i]
        row = residuals[i]
        for k in range(size):
            cosine = x * node_x[k] + y * node_y[k] + z * node_z[k]
            near = min(abs(cosine), one)
            angle = math.sqrt(one - near) * (c0 + near * (c1 + near * (c2 + near * c3)))
            row[k] = (angle if cosine >= zero else half_turn - angle) - distance


@_compiled
def _best_bias(residuals: Floats32, scales: Floats32, prior: np.float32, size: int, precision: Floats32, bias: Floats32) -> None:
    """One reweighted mean of the residuals, drawn to zero by the prior; `precision` becomes its inverse variance."""
    one, freedom = np.float32(1.0), np.float32(DEGREES_OF_FREEDOM)
    precision[:size] = prior
    pull = np.zeros(size, np.float32)
    for i in range(len(scales)):
        narrow = one / (freedom * scales[i] ** 2)
        most = (freedom + one) * narrow
        row = residuals[i]
        for k in range(size):
            off = row[k] - bias[k]
            weight = most / (one + off * off * narrow)
            precision[k] += weight
            pull[k] += weight * row[k]
    for k in range(size):
        bias[k] = pull[k] / precision[k]


@_compiled
def _log_density(residuals: Floats32, scales: Floats32, bias: Floats32, precision: Floats32, size: int) -> Floats:
    """
    Sum of the logarithms of Student densities, less half the logarithm of the precision.

    Factors are multiplied up as far as double precision reaches, since a logarithm costs more than 30 products.
    """
    one = np.float32(1.0)
    narrow = one / (np.float32(DEGREES_OF_FREEDOM) * scales * scales)
    power = 0.5 * (DEGREES_OF_FREEDOM + 1.0)
    factors = int(300.0 / math.log10(1.0 + 180.0**2 * np.max(narrow))) // LANES
    total = np.zeros(size)
    product = np.sqrt(np.sqrt(precision[:size].astype(np.float64)))  # to the power of 1 / (2 power)
    for group in range(len(scales) // LANES):
        i = LANES * group
        a, b, c, d = residuals[i], residuals[i + 1], residuals[i + 2], residuals[i + 3]
        for k in range(size):
            off_a, off_b, off_c, off_d = a[k] - bias[k], b[k] - bias[k], c[k] - bias[k], d[k] - bias[k]
            first = (one + off_a * off_a * narrow[i]) * (one + off_b * off_b * narrow[i + 1])
            second = (one + off_c * off_c * narrow[i + 2]) * (one + off_d * off_d * narrow[i + 3])
            product[k] *= np.float64(first * second)
        if (group + 1) % factors == 0 or i + LANES == len(scales):
            for k in range(size):
                total[k] -= power * math.log(product[k])
                product[k] = 1.0
    return total


@_compiled
def maximize_posterior(
    point: Floats, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float, steps: int
) -> tuple[Floats, float]:
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
        total += 0.5 * (DEGREES_OF_FREEDOM + 1.0) * math.log1p(off * off / DEGREES_OF_FREEDOM)
    return total


@_compiled
def most_likely_bias(point: Floats, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float) -> float:
    """The common bias that explains the distances best from a point (unit vector [3]), in reweighted means."""
    residuals = np.empty(len(distances))
    for i in range(len(distances)):
        residuals[i] = _angle(point, stations[:, i]) - distances[i]
    bias = 0.0
    for _ in range(_MAX_MEANS):
        pull, precision = 0.0, bias_deviation**-2.0
        for i in range(len(distances)):
            weight = (DEGREES_OF_FREEDOM + 1.0) / (DEGREES_OF_FREEDOM * scales[i] ** 2 + (residuals[i] - bias) ** 2)
            pull, precision = pull + weight * residuals[i], precision + weight
        moved, bias = abs(pull / precision - bias), pull / precision
        if moved < 1e-7:
            break
    return bias


@_compiled
def laplace_covariance(point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float) -> Floats:
    """Covariance [2, 2] of east and north in square degrees as the curvature at a maximum has it, whatever the common bias is."""
    matrix, _ = _normal_equations(point, bias, stations, distances, scales, bias_deviation)
    for a in range(3):
        matrix[a, a] += 1e-4  # a direction that nothing says anything about is known to 100 degrees
    inverse: Floats = np.linalg.inv(matrix)[:2, :2].copy()
    return inverse


@_compiled
def _step(point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float, damping: float) -> Floats:
    """East, north and bias, all in degrees."""
    matrix, vector = _normal_equations(point, bias, stations, distances, scales, bias_deviation)
    for a in range(3):
        matrix[a, a] = matrix[a, a] * (1.0 + damping) + 1e-12
    solution: Floats = np.linalg.solve(matrix, vector)
    return solution


@_compiled
def _normal_equations(
    point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float
) -> tuple[Floats, Floats]:
    """Matrix [3, 3] and right side [3] of the reweighted least squares step in east, north and bias."""
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
        weight = (DEGREES_OF_FREEDOM + 1.0) / (DEGREES_OF_FREEDOM * scales[i] ** 2 + off * off)
        for a in range(3):
            vector[a] -= weight * slope[a] * off
            for b in range(3):
                matrix[a, b] += weight * slope[a] * slope[b]
    return matrix, vector


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
