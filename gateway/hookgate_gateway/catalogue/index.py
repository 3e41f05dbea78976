"""
The subscriptions of one namespace, sorted so that an event meets only those it may be for.

A subscription's run types, statuses and ``interim`` admit a closed set of facts, so for each
combination that occurs the candidates are found once and kept. Among them, plain workflow ids are
looked up in a dictionary; only patterns with ``*`` or ``?`` are tried one by one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hookgate_gateway.contract import Subscription
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.pattern import compile_pattern
from hookgate_gateway.rules.report import Report

__all__ = ["MatchIndex"]

_Try = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Subscriptions (by their place) that admit the same run type, status and finality."""

    certain: tuple[int, ...]
    by_id: dict[str, tuple[int, ...]]
    by_pattern: tuple[tuple[_Try, int], ...]

    def places(self, workflow_ids: tuple[str, ...]) -> set[int]:
        found = {place for id_ in workflow_ids for place in self.by_id.get(id_, ())}
        for matches, place in self.by_pattern:
            for id_ in workflow_ids:
                if matches(id_):
                    found.add(place)
        return found


class MatchIndex:
    """Answers which subscriptions an event is for. Says the same as ``rules.matching.matches``."""

    def __init__(self, subscriptions: tuple[Subscription, ...]) -> None:
        self._subscriptions = subscriptions
        self._run_types = _named(s.match.run_types for s in subscriptions)
        self._statuses = _named(s.match.statuses for s in subscriptions)
        self._candidates: dict[tuple[str, str, bool], _Candidates] = {}

    def select(self, report: Report) -> tuple[Subscription, ...]:
        """In the order of the subscriptions."""
        candidates = self._of(report)
        every = self._subscriptions
        if not report.workflow_ids or not (candidates.by_id or candidates.by_pattern):
            return tuple([every[place] for place in candidates.certain])
        places = candidates.places(report.workflow_ids)
        places.update(candidates.certain)
        return tuple([every[place] for place in sorted(places)])

    def _of(self, report: Report) -> _Candidates:
        # Words that no rule names are one and the same here: callers cannot grow the dictionary.
        run_type = report.run_type if report.run_type in self._run_types else ""
        status = report.status if report.status in self._statuses else ""
        facts = (run_type, status, report.final)
        candidates = self._candidates.get(facts)
        if candidates is None:
            candidates = self._candidates[facts] = self._sorted(*facts)
        return candidates

    def _sorted(self, run_type: str, status: str, final: bool) -> _Candidates:
        certain: list[int] = []
        by_id: dict[str, tuple[int, ...]] = {}
        by_pattern: list[tuple[_Try, int]] = []
        for place, subscription in enumerate(self._subscriptions):
            rule = subscription.match
            if not _admits(rule, run_type, status, final=final):
                continue
            if not rule.workflow_ids:
                certain.append(place)
            for pattern in map(compile_pattern, rule.workflow_ids):
                if pattern.literal:
                    by_id[pattern.text] = (*by_id.get(pattern.text, ()), place)
                else:
                    by_pattern.append((pattern.matches, place))
        return _Candidates(tuple(certain), by_id, tuple(by_pattern))


def _admits(rule: MatchRule, run_type: str, status: str, *, final: bool) -> bool:
    return (
        (final or rule.interim)
        and (not rule.run_types or run_type in rule.run_types)
        and (not rule.statuses or status in rule.statuses)
    )


def _named(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
