"""What is told of a WebhookReplay, and when: tables."""

from typing import Any

import pytest

from hookgate.resources import ReplaySpec, ReplayStatus
from hookgate_operator.replays.conditions import Reason
from hookgate_operator.replays.status import (
    Answer,
    Counted,
    Failure,
    Plan,
    Waiting,
    is_final,
    tell,
)
from tests.controlplane.replays.given import NOW, at, condition, progress, replay, spec

LOST = Failure(Reason.LOST, "it is gone")
AWAY = Waiting(Reason.GATEWAY_UNREACHABLE, "it does not answer")
OWNED = Waiting(Reason.OWNED_BY_ANOTHER, "it is 'b's")
NOT_READY = Waiting(Reason.SUBSCRIPTION_NOT_READY, "invoices is not there yet")


def told(
    answer: Answer, *, status: Any = None, since_write: float | None = None, **changes: Any
) -> Plan:
    observed = replay(status=status, **changes)
    read = ReplaySpec.model_validate(spec(**changes))
    plan = tell(observed, read, answer, now=NOW, since_write=since_write)
    if plan.status is not None:
        ReplayStatus.model_validate(plan.status)
    return plan


def states(plan: Plan) -> dict[str, tuple[str, str]]:
    assert plan.status is not None
    return {c["type"]: (c["status"], c["reason"]) for c in plan.status["conditions"]}


@pytest.mark.parametrize(
    ("answer", "expected", "event"),
    [
        (progress("running"), {"Complete": ("False", "Running")}, ("Normal", "Running")),
        (
            progress("paused"),
            {"Complete": ("False", "Suspended"), "Suspended": ("True", "Suspended")},
            ("Normal", "Suspended"),
        ),
        (progress("completed"), {"Complete": ("True", "Completed")}, ("Normal", "Completed")),
        (Counted(7), {"Complete": ("True", "Counted")}, ("Normal", "Counted")),
        (progress("cancelled", remaining=1), {"Complete": ("False", "Cancelled")}, None),
        (
            progress("cancelled"),
            {"Complete": ("False", "Cancelled"), "Failed": ("True", "Cancelled")},
            ("Warning", "Cancelled"),
        ),
        (LOST, {"Complete": ("False", "Lost"), "Failed": ("True", "Lost")}, ("Warning", "Lost")),
        (
            AWAY,
            {"Complete": ("False", "GatewayUnreachable")},
            ("Warning", "GatewayUnreachable"),
        ),
        (OWNED, {"Complete": ("False", "OwnedByAnother")}, ("Warning", "OwnedByAnother")),
        (NOT_READY, {"Complete": ("False", "SubscriptionNotReady")}, None),
    ],
)
def test_conditions_and_what_is_announced(
    answer: Answer, expected: dict[str, tuple[str, str]], event: tuple[str, str] | None
) -> None:
    plan = told(answer)
    assert states(plan) == expected
    assert [(a.type, a.reason) for a in plan.announcements] == ([event] if event else [])
    assert is_final(answer) == any(status == "True" for status, _ in _ends(expected))


def _ends(expected: dict[str, tuple[str, str]]) -> list[tuple[str, str]]:
    return [row for kind, row in expected.items() if kind != "Suspended"]


def test_figures_and_times_of_one_that_runs() -> None:
    plan = told(progress(matched=9, sent=5, delivered=2, failed=1, skipped=1, remaining=5))
    assert plan.status is not None
    (complete,) = plan.status["conditions"]
    assert complete["observedGeneration"] == 1
    assert complete["lastTransitionTime"] == at(0)
    assert {k: v for k, v in plan.status.items() if k != "conditions"} == {
        "observedGeneration": 1,
        "startTime": at(0),
        "matched": 9,
        "sent": 5,
        "delivered": 2,
        "failed": 1,
        "skipped": 1,
        "remaining": 5,
    }


def test_the_end_says_what_came_of_it() -> None:
    before = {"startTime": at(-90), "conditions": [condition("Complete", "False", "Running", -90)]}
    plan = told(progress("completed", matched=1, sent=1, delivered=1), status=before)
    assert plan.status is not None
    assert (plan.status["startTime"], plan.status["completionTime"]) == (at(-90), at(0))
    (complete,) = plan.status["conditions"]
    assert complete["lastTransitionTime"] == at(0)
    assert complete["message"] == "Of 1 delivery 1 arrived, 0 failed and 0 were skipped."
    counted = told(Counted(7))
    assert counted.status is not None
    assert (counted.status["matched"], counted.status["completionTime"]) == (7, at(0))
    assert counted.announcements[0].message == "A dry run: 7 deliveries would be sent once more."


def test_what_was_told_before_stays_where_the_gateway_says_nothing() -> None:
    before = {
        "observedGeneration": 1,
        "startTime": at(-90),
        "matched": 9,
        "remaining": "many",
        "conditions": [condition("Complete", "False", "Running", -90)],
    }
    plan = told(LOST, status=before)
    assert plan.status is not None
    assert (plan.status["matched"], "remaining" in plan.status) == (9, False)
    complete, failed = plan.status["conditions"]
    assert complete["lastTransitionTime"] == at(-90)
    assert failed["lastTransitionTime"] == at(0)


def test_it_was_not_taken_unless_the_gateway_said_so() -> None:
    for answer in (AWAY, OWNED, NOT_READY, LOST):
        plan = told(answer)
        assert plan.status is not None
        assert "startTime" not in plan.status
        assert ("completionTime" in plan.status) is is_final(answer)


@pytest.mark.parametrize("state", ["running", "completed"])
def test_what_was_suspended_is_resumed(state: str) -> None:
    before = {"conditions": [condition("Suspended", "True", "Suspended", -9)]}
    plan = told(progress(state), status=before)
    assert states(plan)["Suspended"] == ("False", "Resumed")


class TestWhen:
    def written(self, answer: Answer, **changes: Any) -> dict[str, Any]:
        status = told(answer, **changes).status
        assert status is not None
        return dict(status)

    def test_nothing_new_is_not_written(self) -> None:
        before = self.written(progress(matched=3))
        plan = told(progress(matched=3), status=before)
        assert (plan.status, plan.announcements, plan.again) == (None, (), 2.0)

    @pytest.mark.parametrize(
        ("since_write", "written", "again"),
        [(None, True, 2.0), (1.0, False, 2.0), (4.0, False, 1.0), (5.0, True, 2.0)],
    )
    def test_figures_are_written_every_five_seconds(
        self, since_write: float | None, written: bool, again: float
    ) -> None:
        before = self.written(progress(matched=3, remaining=3))
        plan = told(progress(matched=3, remaining=2), status=before, since_write=since_write)
        assert (plan.status is not None, plan.announcements, plan.again) == (written, (), again)

    @pytest.mark.parametrize(
        ("answer", "changes"),
        [
            (progress("completed", matched=3), {}),
            (progress("paused", matched=3), {}),
            (LOST, {}),
            (progress(matched=3), {"generation": 2}),
        ],
    )
    def test_a_flip_is_written_at_once(self, answer: Answer, changes: Any) -> None:
        observed = replay(status=self.written(progress(matched=3)), **changes)
        read = ReplaySpec.model_validate(spec())
        assert tell(observed, read, answer, now=NOW, since_write=0.1).status is not None

    @pytest.mark.parametrize(
        ("other", "answer"),
        [
            (AWAY, OWNED),  # another reason of the same status
            (progress("paused"), progress("running")),
        ],
    )
    def test_another_reason_is_a_flip(self, other: Answer, answer: Answer) -> None:
        plan = told(answer, status=self.written(other), since_write=0.1)
        assert plan.status is not None

    def test_figures_wait_for_their_time_however_late_the_next_look_is(self) -> None:
        before = self.written(progress("paused", remaining=3))
        plan = told(progress("paused", remaining=2), status=before, since_write=2.0)
        assert (plan.status, plan.again) == (None, 3.0)
        late = told(LOST, status=before, since_write=1.0)
        assert (late.status is None, late.again) == (False, None)

    @pytest.mark.parametrize(
        ("answer", "started", "again"),
        [
            (progress(), 0, 2.0),
            (progress(), -60, 2.0),
            (progress(), -150, 5.0),
            (progress(), -86_400, 10.0),
            (progress("paused"), 0, 30.0),
            (progress("cancelled", remaining=2), 0, 2.0),
            (progress("completed"), 0, None),
            (LOST, 0, None),
            (NOT_READY, 0, 1.0),
            (OWNED, 0, 60.0),
            (AWAY, 0, None),
        ],
    )
    def test_when_to_look_again(self, answer: Answer, started: float, again: float | None) -> None:
        assert told(answer, status={"startTime": at(started)}).again == again

    def test_an_end_is_looked_at_again_when_it_is_to_be_deleted(self) -> None:
        assert told(progress("completed"), ttlSecondsAfterFinished=90).again == 90.0
        refused = Failure(Reason.INVALID_SPEC, "filter: is required")
        plan = tell(replay(filter={}), None, refused, now=NOW, since_write=None)
        assert plan.again is None
        assert states(plan)["Failed"] == ("True", "InvalidSpec")


def test_figures_that_wait_do_so_although_nothing_else_wakes_it() -> None:
    before = told(AWAY).status
    assert before is not None
    moved = {**before, "matched": 4}
    other = Waiting(Reason.GATEWAY_UNREACHABLE, "another sentence")
    plan = told(other, status=moved, since_write=1.0)
    assert (plan.status, plan.again) == (None, 4.0)
