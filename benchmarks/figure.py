"""
One line of the table: a value of each round, and the goal.
"""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table."""

    name: str
    values: Sequence[float]
    unit: str = ""
    goal: float | None = None
    at_least: bool = False
    digits: int = 1

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        if self.goal is None:
            return None
        return self.median >= self.goal if self.at_least else self.median <= self.goal


def of(
    results: Sequence[Any],
    name: str,
    value: Callable[[Any], float],
    unit: str,
    goal: float | None = None,
    *,
    digits: int = 1,
) -> Figure:
    """The line of one value of each round's result."""
    return Figure(name, [value(result) for result in results], unit, goal, digits=digits)
