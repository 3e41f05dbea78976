"""The operator's documented rules, as `service_account` takes them."""

from pathlib import Path
from typing import Any

import yaml

import hookgate_operator

FOLDER = Path(hookgate_operator.__file__).parent / "rbac"


def rules(name: str) -> list[dict[str, Any]]:
    """Those of one file: `cluster-wide`, `namespaced` or `lease`."""
    return list(yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["rules"])


def operator_rules(*, secrets_mode: str = "Watch") -> list[dict[str, Any]]:
    """What it may do with what it looks after; in `Get` mode it watches no Secrets."""
    found = rules("namespaced")
    if secrets_mode == "Get":
        for rule in found:
            if rule["resources"] == ["secrets"]:
                rule["verbs"].remove("watch")
    return found


def lease_rules() -> list[dict[str, Any]]:
    """What it may do in its own namespace."""
    return rules("lease")
