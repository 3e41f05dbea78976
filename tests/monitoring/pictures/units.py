"""Values as people read them."""

from collections.abc import Sequence

TIMES = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
BYTES = ((2.0**30, "GiB"), (2.0**20, "MiB"), (2.0**10, "KiB"), (1.0, "B"))
COUNTS = ((1e6, "M"), (1e3, "k"), (1.0, ""))


def shown(value: float, unit: str) -> str:
    """A value with its unit, which is one of Grafana's names that the dashboards use."""
    match unit:
        case "s":
            return _scaled(value, TIMES, "s")
        case "bytes":
            return _scaled(value, BYTES, "B")
        case "percentunit":
            return f"{_number(value * 100)} %"
        case "cps":
            return f"{_number(value)}/s"
        case "short":
            return _scaled(value, COUNTS, "")
    raise ValueError(f"no words for the unit {unit}")


def _scaled(value: float, scale: Sequence[tuple[float, str]], smallest: str) -> str:
    for factor, name in scale:
        if abs(value) >= factor:
            return f"{_number(value / factor)} {name}".rstrip()
    return f"{_number(value)} {smallest}".rstrip()


def _number(value: float) -> str:
    """Three digits are enough; whole numbers stay whole."""
    if value == round(value) or abs(value) >= 100:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) >= 0.001 else "0"
