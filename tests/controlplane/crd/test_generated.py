"""The files that are made from the models, and the word that prints them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from hookgate.cli import main
from hookgate_operator.crd.definitions import DEFINITIONS, SUBSCRIPTIONS
from hookgate_operator.crd.generated import crd_text, generated_files

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("path", generated_files())
def test_files_are_up_to_date(path: str):
    assert (ROOT / path).read_text() == generated_files()[path], "run `make generate`"


def test_crds_holds_nothing_else():
    assert {f"crds/{file.name}" for file in (ROOT / "crds").iterdir()} <= set(generated_files())


def test_they_are_written_into_a_checkout(tmp_path: Path):
    (tmp_path / "crds").mkdir()
    (tmp_path / "docs" / "reference").mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "hookgate_operator.crd", tmp_path], check=True)
    written = {
        str(file.relative_to(tmp_path)): file.read_text()
        for file in tmp_path.rglob("*")
        if file.is_file()
    }
    assert written == generated_files()


@pytest.mark.parametrize("word", DEFINITIONS)
def test_the_command_prints_one(word: str, capsys):
    assert main(["crd", word]) == 0
    assert capsys.readouterr().out == crd_text(DEFINITIONS[word])


def test_the_command_prints_both_as_documents(capsys):
    assert main(["crd"]) == 0
    documents = [*yaml.safe_load_all(capsys.readouterr().out)]
    assert documents == [definition.document() for definition in DEFINITIONS.values()]


def test_the_command_says_how_to_apply_them(capsys):
    with pytest.raises(SystemExit) as end:
        main(["crd", "--help"])
    assert end.value.code == 0
    assert "hookgate crd | kubectl apply --server-side -f -" in capsys.readouterr().out


def test_a_page_tells_fields_rules_and_columns():
    page = generated_files()["docs/reference/webhooksubscription.md"]
    assert "| `timeoutSeconds` | integer | `30` | 1–30 |" in page
    assert "- `spec.endpoint: must have exactly one of url and urlFrom`" in page
    assert "| `secretRefs` | list of objects | required | 1–3 items |" in page
    assert "## spec.signing.secretRefs[]" in page
    assert "| `EndpointAllowed` |" in page
    for column in SUBSCRIPTIONS.columns:
        assert column.name in page


def test_tables_have_as_many_cells_in_every_row():
    for page in (text for path, text in generated_files().items() if path.endswith(".md")):
        for table in page.split("\n\n"):
            rows = [line.replace("\\|", "") for line in table.splitlines() if line.startswith("|")]
            assert len({row.count("|") for row in rows}) <= 1, table
