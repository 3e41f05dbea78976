"""
Which subscriptions an event is for, and why (not).
"""

from collections.abc import Iterable
from dataclasses import dataclass

from hookgate_gateway.rules.pattern import compile_pattern
from hookgate_gateway.rules.report import Report

__all__ = ["Match", "MatchRule", "Mismatch", "judge", "matches"]


@dataclass(frozen=True, slots=True)
class MatchRule:
    """What a subscription asks for. An empty set asks for everything."""

    run_types: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    workflow_ids: tuple[str, ...] = ()
    """Shell-style patterns (``*`` and ``?``) over any of a report's workflow ids."""
    interim: bool = False
    """Also reports that are not final."""


@dataclass(frozen=True, slots=True)
class Match:
    """The event is for this subscription."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """It is not; one sentence for each part of the rule that says so."""

    reasons: tuple[str, ...]


def judge(rule: MatchRule, report: Report) -> Match | Mismatch:
    """The verdict on a report, with every reason against it. For people; see :func:`matches`."""
    reasons = []
    if not (report.final or rule.interim):
        reasons.append(
            f"the report is not final ({_progress(report)}), and interim is not asked for"
        )
    if rule.run_types and report.run_type not in rule.run_types:
        reasons.append(f"run type {report.run_type} is not among {_listed(rule.run_types)}")
    if rule.statuses and report.status not in rule.statuses:
        reasons.append(f"status {report.status} is not among {_listed(rule.statuses)}")
    if not workflow_matches(rule.workflow_ids, report):
        ids = f"of {_listed(report.workflow_ids)} none" if report.workflow_ids else "nothing"
        reasons.append(f"workflow ids: {ids} matches {_listed(rule.workflow_ids)}")
    return Mismatch(tuple(reasons)) if reasons else Match()


def matches(rule: MatchRule, report: Report) -> bool:
    """Whether the event is for a subscription with this rule."""
    return (
        (report.final or rule.interim)
        and (not rule.run_types or report.run_type in rule.run_types)
        and (not rule.statuses or report.status in rule.statuses)
        and workflow_matches(rule.workflow_ids, report)
    )


def workflow_matches(patterns: tuple[str, ...], report: Report) -> bool:
    """Whether any of the report's workflow ids matches any of the patterns; no patterns take all."""
    if not patterns:
        return True
    compiled = [compile_pattern(pattern) for pattern in patterns]
    return any(pattern.matches(id_) for pattern in compiled for id_ in report.workflow_ids)


def _progress(report: Report) -> str:
    return f"{report.status}, to be tried again" if report.retry_pending else report.status


def _listed(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
