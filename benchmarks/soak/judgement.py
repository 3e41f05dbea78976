"""
The books of a soak and whether they balance: the judgement of the fault tests, a target at a time.

Beyond it: a run has one delivery for each subscription, however often its report was repeated; once an
attempt was answered 2xx nothing more comes but what a crash excuses; a replay that was answered as
delivered came, once.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tests.faults.ledger import Ledger, number
from tests.receivers import Received

from benchmarks.soak.publisher import number_of
from benchmarks.soak.receivers import Arrival
from benchmarks.soak.targets import TARGETS, Target

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One target's books."""

    target: str
    behaviour: str
    owed: int
    """Promised events that it matches; as many as arrived where that is not known exactly."""
    requests: int
    delivered: int
    """Events with an answer of 2xx."""
    repeats: int
    """Requests of an event that was answered 2xx before; all of them around a crash, or broken."""
    broken: Sequence[str] = field(default_factory=tuple)


def accounts(ledger: Ledger, arrivals: Iterable[Arrival]) -> list[Account]:
    """The books of all targets."""
    by_target: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in arrivals:
        if not arrival.replay:
            by_target[arrival.path.split("/")[1]].append(arrival)
    return [account(target, ledger, by_target[target.name]) for target in TARGETS]


def account(target: Target, ledger: Ledger, arrivals: Sequence[Arrival]) -> Account:
    """The books of one target."""
    matching = {run for run in ledger.promised if target.takes(number_of(run))}
    books = replace(ledger, promised=matching, longest=target.longest)
    delivered = {a.run for a in arrivals if 200 <= a.status < 300}
    requests = [_request(arrival) for arrival in arrivals]
    answered = {request.number: a.status for request, a in zip(requests, arrivals, strict=True)}
    repeats = [pair for pair in books.repeats(requests) if not _is_retry(pair, answered)]
    broken = [
        *_some("made up", books.made_up(requests)),
        *_some("arrived, and not matched", {a.run for a in arrivals if not target.takes(number_of(a.run))}),
        *_some("more than one delivery", _made_twice(arrivals)),
        *_some("came again without a crash", books.inexcusable([r for p in repeats for r in p])),
    ]  # fmt: skip
    if target.exact:
        broken += _some("promised and never delivered", matching - delivered)
    return Account(
        target=target.name,
        behaviour=target.behaviour,
        owed=len(matching) if target.exact else len({a.run for a in arrivals}),
        requests=len(arrivals),
        delivered=len(delivered),
        repeats=len(repeats),
        broken=broken,
    )


def judge_replays(
    answered: Sequence[tuple[str, str]], arrivals: Iterable[Arrival], crashes: Sequence[float]
) -> list[str]:
    """What is wrong with the replays that were answered as delivered."""
    came = Counter(a.delivery for a in arrivals if a.replay)
    missing = [f"{run} {delivery}" for run, delivery in answered if not came[delivery]]
    twice = [f"{run} {delivery}" for run, delivery in answered if came[delivery] > 1]
    excused = len(crashes)  # one replay at a time: at most one is under way at a crash
    return [*_some("answered and never came", missing), *_some("came twice", twice[excused:])]


def _is_retry(pair: tuple[Received, Received], answered: Mapping[int, int]) -> bool:
    """Whether the second one follows a refusal, as the schedule has it."""
    first, second = pair
    refused = not 200 <= answered[first.number] < 300
    return refused and int(number(first) or 0) < int(number(second) or 0)


def _made_twice(arrivals: Sequence[Arrival]) -> set[str]:
    first: dict[str, str] = {}
    return {a.run for a in arrivals if first.setdefault(a.run, a.delivery) != a.delivery}


_numbers = iter(range(1, 2**63))


def _request(arrival: Arrival) -> Received:
    """An arrival as the fault tests' judge knows requests."""
    return Received(
        number=next(_numbers),
        connection=0,
        at=arrival.at,
        method="POST",
        target=arrival.path,
        headers=(("x-hookgate-attempt", arrival.attempt),),
        body=f'"run_id": "{arrival.run}"'.encode(),
        verified=None,
    )


def _some(what: str, found: Iterable[str]) -> list[str]:
    listed = sorted(found)
    shown = ", ".join(listed[:_SHOWN])
    return [f"{len(listed)} {what}: {shown}"] if listed else []
