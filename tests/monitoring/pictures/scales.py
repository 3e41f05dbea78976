"""From values and times to places."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A rectangle of the picture, in its points."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """The rectangle of a graph: times from left to right, values from 0 upwards."""

    left: float
    right: float
    top: float
    bottom: float
    start: float
    end: float
    highest: float

    def at(self, moment: float, value: float) -> tuple[float, float]:
        share = (moment - self.start) / (self.end - self.start)
        height = value / self.highest
        return (
            self.left + share * (self.right - self.left),
            self.bottom - height * (self.bottom - self.top),
        )


def ticks(highest: float, base: float = 10.0) -> list[float]:
    """Values from 0 to above the highest, in at most five steps that are round to `base`."""
    if highest <= 0:
        return [0.0, 1.0]
    size = base ** math.floor(math.log(highest / 5, base) + 1e-9)
    factors = (1, 2, 2.5, 5, 10) if base == 10 else (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
    step = next(size * factor for factor in factors if highest / (size * factor) <= 5)
    return [step * number for number in range(math.ceil(highest / step - 1e-9) + 1)]
