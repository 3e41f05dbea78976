"""
The subscriptions of one namespace, sorted so that an event meets only those it may be for.

A subscription's run types, statuses and ``interim`` admit a closed set of facts, so for each
combination that occurs the candidates are found once and kept. Among them, plain workflow ids and
prefixes (``wpid_*``) are looked up in dictionaries; only other patterns are tried one by one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hookgate_gateway.contract import Subscription
from hookgate_gateway.rules.matching import MatchRule
from hookgate_gateway.rules.pattern import MAX_TEXT, compile_pattern
from hookgate_gateway.rules.report import Report

__all__ = ["MatchIndex"]


@dataclass(frozen=True, slots=True)
class _Candidates:
    """Subscriptions (by their place) that admit the same run type, status and finality."""

    certain: list[int] = field(default_factory=list)
    by_id: dict[str, list[int]] = field(default_factory=dict)
    by_prefix: dict[int, dict[str, list[int]]] = field(default_factory=dict)
    """By length, then by the prefix of that length: patterns like ``wpid_*``."""
    by_pattern: list[tuple[Callable[[str], bool], int]] = field(default_factory=list)

    def add(self, place: int, patterns: tuple[str, ...]) -> None:
        if not patterns:
            self.certain.append(place)
        for pattern in map(compile_pattern, patterns):
            if pattern.literal:
                self.by_id.setdefault(pattern.text, []).append(place)
            elif prefix := pattern.prefix:
                alike = self.by_prefix.setdefault(len(prefix), {})
                alike.setdefault(prefix, []).append(place)
            else:
                self.by_pattern.append((pattern.matches, place))

    def places(self, workflow_ids: tuple[str, ...]) -> list[int]:
        """In order, each once."""
        found = set(self.certain)
        for id_ in workflow_ids:
            found.update(self.by_id.get(id_, ()))
            if len(id_) <= MAX_TEXT:
                for length, alike in self.by_prefix.items():
                    found.update(alike.get(id_[:length], ()))
            found.update([place for matches, place in self.by_pattern if matches(id_)])
        return sorted(found)


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
        places = candidates.certain
        if report.workflow_ids:
            places = candidates.places(report.workflow_ids)
        every = self._subscriptions
        return tuple([every[place] for place in places])

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
        candidates = _Candidates()
        for place, subscription in enumerate(self._subscriptions):
            rule = subscription.match
            if _admits(rule, run_type, status, final=final):
                candidates.add(place, rule.workflow_ids)
        return candidates


def _admits(rule: MatchRule, run_type: str, status: str, *, final: bool) -> bool:
    return (
        (final or rule.interim)
        and (not rule.run_types or run_type in rule.run_types)
        and (not rule.statuses or status in rule.statuses)
    )


def _named(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*sets)
