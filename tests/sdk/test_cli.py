"""The command line: light, and clear about what it cannot do."""

import subprocess
import sys

import pytest

from hookgate import __version__
from hookgate.cli import main
from hookgate.commands import MissingExtra, needs_extra


def test_the_version_is_answered_without_the_gateways_libraries():
    program = (
        "import sys\n"
        "from hookgate.cli import main\n"
        "try: main(['--version'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'aiohttp', 'pydantic', 'structlog', 'uvloop', 'rich'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"hookgate {__version__}\n"


def test_python_dash_m_is_the_same_command():
    done = subprocess.run(
        [sys.executable, "-m", "hookgate", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"hookgate {__version__}\n"


def test_help_lists_the_commands_with_their_summaries(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    assert "gateway  " in text
    assert "dev      " in text


@pytest.mark.parametrize("words", [[], ["nonsense"]])
def test_a_wrong_use_is_exit_code_two_and_names_the_choices(words, capsys):
    with pytest.raises(SystemExit) as end:
        main(words)
    assert end.value.code == 2
    assert "COMMAND" in capsys.readouterr().err


def test_a_missing_library_names_the_extra_that_brings_it():
    with (
        pytest.raises(MissingExtra, match=r"pip install 'hookgate\[gateway\]'"),
        needs_extra("gateway"),
    ):
        raise ModuleNotFoundError("no", name="aiohttp.web")


def test_a_missing_module_of_our_own_is_a_bug_and_stays_one():
    with pytest.raises(ModuleNotFoundError), needs_extra("gateway"):
        raise ModuleNotFoundError("no", name="hookgate_gateway.gone")
