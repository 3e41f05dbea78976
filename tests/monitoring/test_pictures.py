"""Pictures say what was answered: values in words, axes that are round, states for as long as they lasted."""

from xml.etree import ElementTree as ET

import pytest

from tests.monitoring.dashboards import NAMES, dashboard
from tests.monitoring.pictures.answers import Line, Window
from tests.monitoring.pictures.panels import _stretches
from tests.monitoring.pictures.picture import picture
from tests.monitoring.pictures.scales import ticks
from tests.monitoring.pictures.units import shown

WINDOW = Window(start=0, end=480, step=5, scraped_every=5)


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (0, "s", "0 s"),
        (0.0421, "s", "42.1 ms"),
        (5, "s", "5 s"),
        (90, "s", "1.5 min"),
        (7200, "s", "2 h"),
        (0.25, "cps", "0.25/s"),
        (0.995, "percentunit", "99.5 %"),
        (1536, "bytes", "1.5 KiB"),
        (0, "bytes", "0 B"),
        (12500, "short", "12.5 k"),
        (7, "short", "7"),
    ],
)
def test_values_are_told_as_people_read_them(value, unit, words):
    assert shown(value, unit) == words


@pytest.mark.parametrize(
    ("highest", "base", "steps"),
    [
        (0, 10, [0, 1]),
        (1, 10, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (23.4, 10, [0, 5, 10, 15, 20, 25]),
        (3 * 1024**3, 1024, [n * 1024**3 for n in (0, 1, 2, 3)]),
        (12 * 1024**2, 1024, [n * 1024**2 for n in (0, 4, 8, 12)]),
    ],
)
def test_axes_are_round_and_reach_above_the_highest(highest, base, steps):
    assert ticks(highest, base) == pytest.approx(steps)


def test_a_state_lasts_until_the_next_or_until_nothing_is_known():
    points = [(0, 1), (5, 1), (10, 2), (30, 2)]
    assert list(_stretches(points, 5)) == [(0, 10, 1), (10, 15, 2), (30, 35, 2)]


@pytest.mark.parametrize("name", NAMES)
def test_every_panel_is_on_the_picture(name):
    it = dashboard(name)
    line = Line("one", {"namespace": "shop"}, tuple((at, at % 3) for at in range(0, 480, 5)))
    answers = {panel["id"]: [line, line] for panel in it["panels"]}
    root = ET.fromstring(picture(it, answers, WINDOW))
    words = {element.text for element in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {panel["title"] for panel in it["panels"]} <= words
    empty = ET.fromstring(picture(it, {key: [] for key in answers}, WINDOW))
    said = [element.text for element in empty.iter("{http://www.w3.org/2000/svg}text")]
    assert len(said) >= 2 * len([p for p in it["panels"] if p["type"] != "row"])
