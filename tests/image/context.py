"""What a build is given: the files of the repository that .dockerignore lets through."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pathspec

__all__ = ["ROOT", "copy_context", "let_through", "tracked"]

ROOT = Path(__file__).parents[2]


def tracked() -> Iterator[str]:
    """The files that git knows or would add; without git (an sdist), all that lie here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    names = listed.stdout.decode().split("\0") if listed.returncode == 0 else _lying_here()
    return (name for name in names if name and (ROOT / name).exists())


def _lying_here() -> Iterator[str]:
    return (str(each.relative_to(ROOT)) for each in ROOT.rglob("*") if not each.is_dir())


def let_through(names: Iterator[str] | list[str]) -> list[str]:
    """Those that .dockerignore does not keep out. Its patterns are anchored, so that git's rules are Docker's."""
    patterns = (ROOT / ".dockerignore").read_text().splitlines()
    ignored = pathspec.PathSpec.from_lines("gitignore", patterns)
    return sorted(name for name in names if not ignored.match_file(name))


def copy_context(where: Path) -> None:
    """Lay the build's context into a folder; links stay links."""
    for name in let_through(tracked()):
        (where / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, where / name, follow_symlinks=False)
