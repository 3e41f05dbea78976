"""What the README says is true: its files, its table, its code, its links."""

import re
from pathlib import Path

import pytest

from hookgate_gateway.settings.manual import markdown_table

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DOCUMENTS = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/architecture.md"]


def block(marker):
    """The code block that follows this comment."""
    pattern = rf"<!-- {re.escape(marker)} -->\n```\w+\n(.*?)```"
    return re.search(pattern, README, re.DOTALL)[1]


def test_the_table_of_settings_is_the_models():
    opened = "<!-- settings: made from the model, checked by tests/test_readme.py -->\n"
    table = README.partition(opened)[2].partition("\n<!-- /settings -->")[0]
    assert table == markdown_table(), f"put this between the comments:\n{markdown_table()}"


@pytest.mark.parametrize("name", re.findall(r"<!-- file: (\S+) -->", README))
def test_files_are_shown_as_they_are(name):
    assert block(f"file: {name}") == (ROOT / name).read_text()


def test_the_verification_runs_and_prints_what_its_comment_says(capsys):
    source = block("run: verify")
    exec(compile(source, "README.md", "exec"), {})
    promised = re.search(r"print\(error\)  # (.*)", source)[1]
    assert capsys.readouterr().out == f"{promised}\n"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_to_files_that_are_there(document):
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#|]+)\)", path.read_text()):
        if not target.startswith("https://"):
            assert (path.parent / target).exists(), target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_word_of_make_exists(document):
    words = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    text = (ROOT / document).read_text()
    used = set(re.findall(r"(?:^|`)make ([a-z]+)", text, re.MULTILINE))
    assert used <= words


def test_places_in_the_map_are_there():
    section = README.partition("## Where everything is")[2]
    for place in re.findall(r"^\| `([^`]+)` |, `([^`]+/)`", section, re.MULTILINE):
        assert (ROOT / (place[0] or place[1])).exists(), place
