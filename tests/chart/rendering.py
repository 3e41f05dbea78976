"""Runs Helm over the chart. Each call is a process, so what was rendered is kept for the next test."""

import functools
import json
import os
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from tests.cluster.programs import helm, helm3

CHART = Path(__file__).parents[2] / "charts/hookgate"
HELMS = {"Helm 4": helm, "Helm 3": helm3}
"""What finds each program; a process of either takes a tenth of a second."""

Values = dict[str, Any]
Object = dict[str, Any]


class Refused(Exception):
    """Helm did not render; the message is what it wrote to stderr."""


def render(
    values: Values | None = None,
    *,
    helm: str = "Helm 4",
    release: str = "hookgate",
    namespace: str = "hookgate",
    api_versions: Iterable[str] = (),
    chart: Path = CHART,
) -> list[Object]:
    """The objects of `helm template`, in its order. They are shared: copy what is to be changed."""
    text = render_text(
        values,
        helm=helm,
        release=release,
        namespace=namespace,
        api_versions=api_versions,
        chart=chart,
    )
    return [each for each in parsed(text) if each is not None]


def render_text(
    values: Values | None = None,
    *,
    helm: str = "Helm 4",
    release: str = "hookgate",
    namespace: str = "hookgate",
    api_versions: Iterable[str] = (),
    chart: Path = CHART,
) -> str:
    """What `helm template` writes; Refused."""
    arguments = ["--namespace", namespace]
    for each in api_versions:
        arguments += ["--api-versions", each]
    return _template(helm, release, tuple(arguments), json.dumps(values or {}), chart)


def refuses(values: Values, *, helm: str = "Helm 4", release: str = "hookgate") -> str:
    """Why Helm does not render these values, on one line; an AssertionError when it does."""
    try:
        render_text(values, helm=helm, release=release)
    except Refused as refused:
        return " ".join(str(refused).split())
    raise AssertionError(f"{helm} rendered {values}")


def run_helm(helm: str, *arguments: str | Path, stdin: str = "") -> str:
    """What Helm writes to stdout; Refused with what it wrote to both."""
    done = subprocess.run(
        [HELMS[helm](), *arguments],
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"KUBECONFIG": os.devnull},  # a user's own cluster is none of ours
    )
    if done.returncode != 0:
        raise Refused(f"{done.stderr}{done.stdout}".strip())
    return done.stdout


@functools.cache
def parsed(text: str) -> list[Object | None]:
    """The documents of a stream. A key that stands twice in a mapping is a ValueError."""
    return list(yaml.load_all(text, Loader=_AsKubernetesReads))


@functools.cache
def _template(helm: str, release: str, arguments: tuple[str, ...], values: str, chart: Path) -> str:
    return run_helm(helm, "template", release, chart, *arguments, "--values", "-", stdin=values)


class _AsKubernetesReads(yaml.CSafeLoader):
    """YAML as Go reads it, strictly: what it takes for a number is one, and a key stands once.

    Of two equal keys the last one wins silently in every parser; here both are a mistake.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        if twice := {str(key) for key in keys if keys.count(key) > 1}:
            raise ValueError(f"{', '.join(sorted(twice))} twice{node.start_mark}")
        return super().construct_mapping(node, deep)


# A namespace may be called 1e3; to Python's parser that is text, to Go's it is a thousand.
_AsKubernetesReads.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)[eE][-+]?[0-9]+$"),
    list("-+.0123456789"),
)


def resolved(given: Values, defaults: Values) -> Values:
    """The values that templates see: maps are merged key by key, null takes a key away."""
    merged = dict(defaults)
    for key, value in given.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(defaults.get(key), dict):
            merged[key] = resolved(value, defaults[key])
        else:
            merged[key] = value
    return merged


@functools.cache
def default_values() -> Values:
    """What values.yaml says."""
    return dict(yaml.safe_load((CHART / "values.yaml").read_text()))
