"""What the README says is true: its files, its table, its code, its links."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from hookgate_gateway.settings import Settings
from hookgate_process.manual import markdown_table
from tests.acceptance.harness import free_port
from tests.readme import README, ROOT, block, started, until

DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(f"docs/{page.name}" for page in sorted((ROOT / "docs").glob("*.md"))),
    *(f"docs/reference/{page.name}" for page in sorted((ROOT / "docs/reference").iterdir())),
]


def test_the_table_of_settings_is_the_models():
    opened = "<!-- settings: made from the model, checked by tests/test_readme.py -->\n"
    table = README.partition(opened)[2].partition("\n<!-- /settings -->")[0]
    assert table == markdown_table(Settings), f"put this:\n{markdown_table(Settings)}"


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


def test_the_map_has_every_page_and_folder():
    section = README.partition("## Where everything is")[2]
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages <= set(re.findall(r"\]\(([^)]+)\)", section))
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)  # fmt: skip
    folders = {path.split("/")[0] for path in listed.stdout.splitlines() if "/" in path}
    plumbing = {".ci", ".github", "requirements"}
    assert {f for f in folders - plumbing if not re.search(rf"[`(]{f}/", section)} == set()


def test_the_roadmap_promises_nothing_that_is_there():
    roadmap = re.search(r"^Roadmap: (.*)$", README, re.MULTILINE)[1]
    there = {"image": "Dockerfile", "chart": "charts/hookgate", "operator": "operator"}
    assert [word for word, place in there.items() if word in roadmap and (ROOT / place).exists()] == []  # fmt: skip


def test_the_tests_are_not_offered_beside_the_demo_without_their_time():
    """A newcomer who starts them has to know that they take a while."""
    told = re.search(r"^`make test` .*$", README, re.MULTILINE)[0]
    assert "half an hour" in told
    assert "make test" not in README.partition("make demo   #")[2].partition("```")[0]


# ------------------------------------------------------------------- the first event, as it stands


@pytest.mark.acceptance
@pytest.mark.skipif(
    not (shutil.which("curl") or os.environ.get("CI")), reason="the README calls curl"
)
def test_the_first_event_arrives_as_the_readme_says(tmp_path):
    ports = {port: str(free_port()) for port in ("8080", "8090", "9090")}
    shutil.copytree(ROOT / "examples/quickstart", tmp_path / "quickstart")
    for file in (tmp_path / "quickstart").iterdir():
        file.write_text(file.read_text().replace(":8090", f":{ports['8090']}"))

    def script(marker):
        """Its words, with ports and files of our own."""
        text = block(marker).replace(":8080", f":{ports['8080']}")
        text = text.replace(".venv/bin/python", sys.executable)
        text = text.replace(".venv/bin/hookgate", f"exec {sys.executable} -m hookgate")
        text = text.replace("sqlite:///hookgate.db", f"sqlite:///{tmp_path}/hookgate.db")
        return text.replace("examples/quickstart", str(tmp_path / "quickstart"))

    rest = {k: v for k, v in os.environ.items() if not k.startswith("HOOKGATE_")}
    environment = rest | {
        "HOOKGATE_LISTEN": f"127.0.0.1:{ports['8080']}",
        "HOOKGATE_METRICS_LISTEN": f"127.0.0.1:{ports['9090']}",
        "HOOKGATE_SHUTDOWN_DRAIN_SECONDS": "0",
    }
    receiver = f"exec {script('run: receiver').strip()} {ports['8090']}"

    def call(marker):
        command = script(marker).replace("curl ", "curl --silent --max-time 10 ")
        done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    with (
        started(receiver, rest, tmp_path, "receiver"),
        started(script("run: gateway"), environment, tmp_path, "gateway"),
    ):
        first = until(lambda: call("run: event"), "the gateway answers")
        assert first["deliveries"] == 1
        line = f"{first['event_id']}: run tsk_1 is completed"
        until(lambda: line in (tmp_path / "receiver.log").read_text(), "the receiver prints a line")
        assert call("run: event")["duplicate"] is True
        until(
            lambda: [d["state"] for d in call("run: look")["items"]] == ["delivered"],
            "the delivery is shown as delivered",
        )
