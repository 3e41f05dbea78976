"""How the story looks: text stays text, whatever it holds and wherever it goes."""

import io

from rich.console import Console

from hookgate_gateway.dev.narrator import Narrator


def told(encoding):
    bytes_ = io.BytesIO()
    file = io.TextIOWrapper(bytes_, encoding=encoding)
    narrator = Narrator(Console(file=file, highlight=False))
    narrator.seen("[red]it arrived[/red]")
    narrator.missing("naïve")
    narrator.say("x" * 300)
    file.flush()
    return bytes_.getvalue().decode(encoding).splitlines()


def test_markup_is_text_and_lines_are_never_broken():
    assert told("utf-8") == [" ✔ [red]it arrived[/red]", " ✘ naïve", "   " + "x" * 300]


def test_a_terminal_without_unicode_gets_what_it_can_show():
    assert told("ascii")[:2] == [" + [red]it arrived[/red]", " ! na?ve"]
