"""As much of SVG as the pictures need: text, lines, areas, boxes."""

from collections.abc import Iterable, Sequence
from xml.sax.saxutils import escape

Point = tuple[float, float]

INK, FAINT, GRID, PAPER, FRAME = "#24292f", "#6e7781", "#e4e7ea", "#ffffff", "#f3f4f6"
COLORS = {
    "green": "#3a9a4c",
    "yellow": "#d9a800",
    "orange": "#e8780b",
    "red": "#d1333b",
    "blue": "#2f6fd0",
    "purple": "#8250c4",
    "text": "#8b949e",
}
PALETTE = (
    "#3a9a4c", "#2f6fd0", "#e8780b", "#8250c4", "#d1333b", "#0f9aa8", "#d9a800", "#b0508f", "#57606a",
)  # fmt: skip


def text(
    x: float, y: float, words: str, *, size: float = 11, color: str = INK, anchor: str = "start", bold: bool = False
) -> str:  # fmt: skip
    weight = ' font-weight="600"' if bold else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{color}"'
        f' text-anchor="{anchor}"{weight}>{escape(words)}</text>'
    )


def line(points: Sequence[Point], color: str, *, width: float = 1.4, dashed: bool = False) -> str:
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return f'<polyline points="{_listed(points)}" fill="none" stroke="{color}" stroke-width="{width:g}"{dash}/>'


def area(points: Sequence[Point], color: str) -> str:
    return f'<polygon points="{_listed(points)}" fill="{color}" fill-opacity="0.7"/>'


def box(x: float, y: float, width: float, height: float, color: str, *, round_: float = 0) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"'
        f' rx="{round_:g}"/>'
    )


def document(width: float, height: float, title: str, inside: Iterable[str]) -> str:
    """The file. It names no font of one system and loads nothing."""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}"'
        f' height="{height:g}" font-family="Helvetica, Arial, sans-serif" role="img">'
    )
    return "\n".join(
        [
            opening,
            f"<title>{escape(title)}</title>",
            box(0, 0, width, height, FRAME),
            *inside,
            "</svg>\n",
        ]
    )


def _listed(points: Sequence[Point]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
