"""
The compiled posterior of an epicenter given predicted distances, robust to outliers and marginal over an error common to all.

Residual i is `d(node, station i) - distance i - b`. The residuals over their scales follow Student's t distribution with 3 degrees of
freedom, so an outlier pulls less the larger its residual is, while good traces keep nearly all of their weight (Lange, Little &
Taylor 1989, doi:10.1080/01621459.1989.10478852). The common bias b is normal around zero and integrated out by Laplace's method.
All angles here are degrees.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import numba
import numpy as np

from models.array_types import Floats, Floats32

DEGREES_OF_FREEDOM = 3.0
LANES = 4  # stations whose factors are multiplied at once
_BLOCK = 256  # nodes at a time, so that their residuals stay in the cache
_MAX_ROUNDS = 60
_DEGREES = 180.0 / math.pi


def _compiled[F: Callable[..., Any]](function: F) -> F:
    """Compile without the interpreter lock; products may fuse with sums, and 1/0 is inf, without which loops would not vectorize."""
    return cast(F, numba.njit(nogil=True, cache=True, error_model="numpy", fastmath={"contract", "arcp", "nsz"})(function))


@_compiled
def log_posterior(nodes: Floats32, stations: Floats32, distances: Floats32, scales: Floats32, bias_deviation: float, rounds: int) -> Floats:
    """
    Evaluate the log posterior [m] at nodes, up to a constant, with the common bias integrated out.

    Parameters
    ----------
    nodes, stations : float32 [3, m], [3, n]
        Unit vectors; n is a multiple of `LANES`, filled up with stations of infinite scale, which do not count.
    distances, scales : float32 [n]
        Predicted distances and their uncertainties, at least 0.1.
    bias_deviation : float
        Standard deviation of the common bias.
    rounds : int
        Reweighted means, at least one, by which the best bias of each node is found.

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
    """Write residuals [n, size] at `size` nodes; arc cosine by polynomial (Abramowitz & Stegun 4.4.45, within 0.004 degrees)."""
    zero, one, half_turn = np.float32(0.0), np.float32(1.0), np.float32(180.0)
    c0, c1, c2, c3 = np.float32(89.996131), np.float32(-12.153260), np.float32(4.2548419), np.float32(-1.0731098)
    # Copies of a known memory layout, here and of rows below, let the loops vectorize.
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
    """Update the bias [size] by one reweighted mean of residuals and prior; `precision` becomes its inverse variance."""
    one, freedom = np.float32(1.0), np.float32(DEGREES_OF_FREEDOM)
    precision[:size] = prior
    weighted = np.zeros(size, np.float32)
    for i in range(len(scales)):
        inverse_square = one / (freedom * scales[i] ** 2)
        max_weight = (freedom + one) * inverse_square
        row = residuals[i]
        for k in range(size):
            residual = row[k] - bias[k]
            weight = max_weight / (one + residual * residual * inverse_square)
            precision[k] += weight
            weighted[k] += weight * row[k]
    for k in range(size):
        bias[k] = weighted[k] / precision[k]


@_compiled
def _log_density(residuals: Floats32, scales: Floats32, bias: Floats32, precision: Floats32, size: int) -> Floats:
    """
    Sum the logarithms of Student densities, and subtract half the logarithm of the precision.

    Factors are multiplied as long as double precision allows before a logarithm is taken, which costs more than 30 products.
    """
    one = np.float32(1.0)
    inverse_square = one / (np.float32(DEGREES_OF_FREEDOM) * scales * scales)
    power = 0.5 * (DEGREES_OF_FREEDOM + 1.0)
    factors = int(300.0 / math.log10(1.0 + 180.0**2 * np.max(inverse_square))) // LANES
    total = np.zeros(size)
    product = np.sqrt(np.sqrt(precision[:size].astype(np.float64)))  # to the power of 1 / (2 power)
    for group in range(len(scales) // LANES):
        i = LANES * group
        a, b, c, d = residuals[i], residuals[i + 1], residuals[i + 2], residuals[i + 3]
        for k in range(size):
            residual_a, residual_b, residual_c, residual_d = a[k] - bias[k], b[k] - bias[k], c[k] - bias[k], d[k] - bias[k]
            first = (one + residual_a * residual_a * inverse_square[i]) * (one + residual_b * residual_b * inverse_square[i + 1])
            second = (one + residual_c * residual_c * inverse_square[i + 2]) * (one + residual_d * residual_d * inverse_square[i + 3])
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
    Find the maximum of the posterior uphill from a point: unit vector [3] and common bias.

    Damped Gauss-Newton on the sphere with iteratively reweighted least squares, in double precision; `stations` [3, n], at most
    `steps` steps.
    """
    bias, damping = 0.0, 1e-3
    loss = _loss(point, bias, stations, distances, scales, bias_deviation)
    for _ in range(steps):
        step = _step(point, bias, stations, distances, scales, bias_deviation, damping)
        trial = _step_along(point, step[0], step[1])
        trial_loss = _loss(trial, bias + step[2], stations, distances, scales, bias_deviation)
        if trial_loss < loss:
            point, bias, loss, damping = trial, bias + step[2], trial_loss, damping * 0.2
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
        residual = (_angle(point, stations[:, i]) - distances[i] - bias) / scales[i]
        total += 0.5 * (DEGREES_OF_FREEDOM + 1.0) * math.log1p(residual * residual / DEGREES_OF_FREEDOM)
    return total


@_compiled
def most_likely_bias(point: Floats, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float) -> float:
    """Find the most probable common bias for an epicenter (unit vector [3]) by iteratively reweighted means."""
    residuals = np.empty(len(distances))
    for i in range(len(distances)):
        residuals[i] = _angle(point, stations[:, i]) - distances[i]
    bias = 0.0
    for _ in range(_MAX_ROUNDS):
        weighted, precision = 0.0, bias_deviation**-2.0
        for i in range(len(distances)):
            weight = (DEGREES_OF_FREEDOM + 1.0) / (DEGREES_OF_FREEDOM * scales[i] ** 2 + (residuals[i] - bias) ** 2)
            weighted, precision = weighted + weight * residuals[i], precision + weight
        change, bias = abs(weighted / precision - bias), weighted / precision
        if change < 1e-7:
            break
    return bias


@_compiled
def laplace_covariance(point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float) -> Floats:
    """Compute the covariance [2, 2] of east and north in square degrees by the curvature at a maximum, marginal over the bias."""
    matrix, _ = _normal_equations(point, bias, stations, distances, scales, bias_deviation)
    for a in range(3):
        matrix[a, a] += 1e-4  # a direction without any constraint gets a standard deviation of 100 degrees
    inverse: Floats = np.linalg.inv(matrix)[:2, :2].copy()
    return inverse


@_compiled
def _step(point: Floats, bias: float, stations: Floats, distances: Floats, scales: Floats, bias_deviation: float, damping: float) -> Floats:
    """Damped step [3] in east, north and bias."""
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
        residual = angle - distances[i] - bias
        weight = (DEGREES_OF_FREEDOM + 1.0) / (DEGREES_OF_FREEDOM * scales[i] ** 2 + residual * residual)
        for a in range(3):
            vector[a] -= weight * slope[a] * residual
            for b in range(3):
                matrix[a, b] += weight * slope[a] * slope[b]
    return matrix, vector


@_compiled
def _step_along(point: Floats, east_deg: float, north_deg: float) -> Floats:
    """Move a point of the sphere along a great circle, by 10 degrees at most."""
    length = math.hypot(east_deg, north_deg)
    if length < 1e-12:
        return point
    east, north = _axes(point)
    arc = min(length, 10.0) / _DEGREES
    end: Floats = np.cos(arc) * point + np.sin(arc) * (east_deg / length * east + north_deg / length * north)
    return end


@_compiled
def _axes(point: Floats) -> tuple[Floats, Floats]:
    """East and north at a point; at a pole any two perpendicular directions."""
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
