"""
Every route of the public API, told: what it takes, what it answers, in which cases it refuses.

A test holds this table against the routes themselves, both ways.
"""

from typing import Final

from hookgate_gateway.api.idempotency import REPLAYED
from hookgate_gateway.api.openapi import models
from hookgate_gateway.api.openapi import parameters as p
from hookgate_gateway.api.openapi.bulk import BULK
from hookgate_gateway.api.openapi.operation import Operation, Returns
from hookgate_gateway.api.run_requests import (
    CancelRequest,
    ReplayRequest,
    SubscriptionTestRequest,
    TaskRequest,
    TestRequest,
    WorkflowOfPathRequest,
    WorkflowRequest,
)

__all__ = ["OPERATIONS"]

_AWAY: Final = frozenset({402, 502, 504})
"""Where an upstream runs the runs: what it refuses is passed on, and it may be away."""
_AGAIN: Final = dict.fromkeys(REPLAYED, "`true` when this was answered before.")
_EVENT_HEADER: Final = {"X-Hookgate-Event-Id": "The event's id."}
_NEXT: Final = {"Link": 'The next page: `</v1/runs?…>; rel="next"`; absent on the last one.'}
_HOOK: Final = "https://your-app.com/webhooks/skyvern"
_TASK: Final = {
    "current": {"prompt": "Extract product information", "webhook_url": _HOOK, "engine": "skyvern-2.0"},
    "older": {"navigation_goal": "Download all invoices", "webhook_callback_url": _HOOK, "url": None},
}  # fmt: skip
_WORKFLOW: Final = {
    "current": {"workflow_id": "wpid_123", "parameters": {"query": "laptops"}, "webhook_url": _HOOK},
    "agent": {"agent_id": "wpid_123", "data": {"query": "laptops"}},
}  # fmt: skip
_PAYLOAD: Final = {
    "task": {
        "run_id": "tsk_123456789",
        "run_type": "task_v2",
        "status": "completed",
        "output": {"price": 1299.99},
    }
}
_TASKS: Final = {"seed": {"webhook_url": _HOOK, "run_type": "task", "run_id": "tsk_test_123"}}
_REPLAY: Final = {
    "elsewhere": {"override_webhook_url": "https://new-endpoint.com/webhooks"},
    "one of several": {"subscription": "invoices"},
}

RUNS: Final = (
    Operation(
        routes=("POST /v1/run/tasks",),
        tag="runs",
        summary="Run a task",
        request=TaskRequest,
        examples=_TASK,
        parameters=(p.IDEMPOTENCY_KEY,),
        returns={200: Returns("The run, created.", models.Run, headers=_AGAIN)},
        errors=frozenset({404, 409}) | _AWAY,
    ),
    Operation(
        routes=("POST /api/v1/tasks",),
        tag="runs",
        summary="Run a task, in the older dialect",
        request=TaskRequest,
        examples=_TASK,
        parameters=(p.IDEMPOTENCY_KEY,),
        returns={200: Returns("The run, created.", models.Task, headers=_AGAIN)},
        errors=frozenset({404, 409}) | _AWAY,
    ),
    Operation(
        routes=("POST /v1/run/workflows", "POST /v1/run/agents"),
        tag="runs",
        summary="Run a workflow (an agent, in newer words)",
        request=WorkflowRequest,
        examples=_WORKFLOW,
        parameters=(p.IDEMPOTENCY_KEY,),
        returns={200: Returns("The run, created.", models.Run, headers=_AGAIN)},
        errors=frozenset({404, 409}) | _AWAY,
    ),
    Operation(
        routes=("POST /api/v1/workflows/{workflow_id}/run",),
        tag="runs",
        summary="Run the workflow that the path names",
        request=WorkflowOfPathRequest,
        optional_body=True,
        examples={"older": {"data": {"query": "laptops"}, "webhook_callback_url": _HOOK}},
        parameters=(p.IDEMPOTENCY_KEY,),
        returns={200: Returns("The run, created.", models.Run, headers=_AGAIN)},
        errors=frozenset({404, 409}) | _AWAY,
    ),
    Operation(
        routes=("GET /v1/runs",),
        tag="runs",
        summary="List runs, newest first",
        parameters=(*p.RUN_FILTERS, *p.PAGE),
        returns={200: Returns("A page.", models.ListedRun, many=True, headers=_NEXT)},
    ),
    Operation(
        routes=("GET /v1/runs/{run_id}", "GET /api/v1/runs/{run_id}"),
        tag="runs",
        summary="Look at a run and its webhook",
        returns={200: Returns("The run.", models.RunDetails)},
    ),
    Operation(
        routes=("GET /api/v1/tasks/{run_id}", "GET /api/v2/tasks/{run_id}"),
        tag="runs",
        summary="Look at a run, in the older dialect",
        returns={200: Returns("The run.", models.TaskDetails)},
    ),
    Operation(
        routes=("POST /v1/runs/{run_id}/cancel",),
        tag="runs",
        summary="Cancel a run",
        description="Answers at once; the webhook goes out on its own.",
        returns={200: Returns("The run, cancelled.", models.Run)},
        errors=frozenset({400, 409}) | _AWAY,
    ),
    Operation(
        routes=("POST /api/v1/tasks/{run_id}/cancel",),
        tag="runs",
        summary="Cancel a run, in the older dialect",
        returns={200: Returns("The run, cancelled.", models.Task)},
        errors=frozenset({400, 409}) | _AWAY,
    ),
    Operation(
        routes=("POST /v1/runs/cancel",),
        tag="runs",
        summary="Cancel several runs",
        request=CancelRequest,
        examples={"two": {"run_ids": ["tsk_1", "wr_2"]}},
        returns={200: Returns("What became of each.", models.CancelledRuns)},
    ),
)

EVENTS: Final = (
    Operation(
        routes=("POST /v1/events",),
        tag="events",
        summary="Report a run",
        description="Answered once it is on disk. The body is the run payload, passed on as it is.",
        request=models.Payload,
        examples=_PAYLOAD,
        returns={
            202: Returns("Stored.", models.Receipt),
            200: Returns("Stored before.", models.Receipt),
        },
    ),
    Operation(
        routes=("POST /v1/ingest/{namespace}/{source}",),
        tag="events",
        summary="A webhook of a Skyvern server, verified by its signature",
        request=models.Payload,
        examples=_PAYLOAD,
        parameters=(*p.SIGNATURE, p.ASKED),
        returns={200: Returns("Stored, now or before.", models.Receipt)},
        errors=frozenset({401, 409, 429}),
        keyed=False,
    ),
    Operation(
        routes=("GET /v1/events",),
        tag="events",
        summary="List events, newest first",
        parameters=(*p.EVENT_FILTERS, p.LIMIT, p.CURSOR),
        returns={200: Returns("A page.", models.Events)},
    ),
    Operation(
        routes=("GET /v1/events/{id}",),
        tag="events",
        summary="Look at an event",
        returns={200: Returns("The event.", models.Event)},
    ),
    Operation(
        routes=("GET /v1/events/{id}/body",),
        tag="events",
        summary="An event's bytes as they came",
        returns={200: Returns("The bytes.", headers=_EVENT_HEADER)},
    ),
    Operation(
        routes=("GET /v1/events/{id}/explain",),
        tag="events",
        summary="Why each target did or did not get an event",
        parameters=(p.ALL, p.CURSOR),
        returns={200: Returns("The explanation.", models.Explanation)},
    ),
)

DELIVERIES: Final = (
    Operation(
        routes=("GET /v1/deliveries",),
        tag="deliveries",
        summary="List deliveries, newest first",
        parameters=(*p.DELIVERY_FILTERS, p.LIMIT, p.CURSOR),
        returns={200: Returns("A page.", models.Deliveries)},
    ),
    Operation(
        routes=("GET /v1/deliveries/{id}",),
        tag="deliveries",
        summary="Look at a delivery and its attempts",
        returns={200: Returns("The delivery.", models.DeliveryDetails)},
    ),
    Operation(
        routes=("POST /v1/deliveries/{id}/replay",),
        tag="deliveries",
        summary="Send its event to its target once more, on the normal schedule",
        returns={202: Returns("The new delivery.", models.Delivery)},
        errors=frozenset({409}),
    ),
    Operation(
        routes=("POST /v1/deliveries/{id}/cancel",),
        tag="deliveries",
        summary="Cancel a delivery",
        returns={200: Returns("The delivery, cancelled.", models.Delivery)},
        errors=frozenset({409}),
    ),
)

REPLAYS: Final = (
    Operation(
        routes=("POST /api/v1/runs/{run_id}/webhook/replay",),
        tag="replays",
        summary="Send a run's webhook once more, now",
        description="One attempt, stored, answered when it is over.",
        request=ReplayRequest,
        optional_body=True,
        examples=_REPLAY,
        returns={200: Returns("What came of it.", models.ReplayedRun)},
        errors=frozenset({409}),
    ),
    Operation(
        routes=(
            "POST /v1/runs/{run_id}/retry_webhook",
            "POST /v1/internal/runs/{run_id}/test-webhook",
        ),
        tag="replays",
        summary="Send a run's webhook once more, now",
        description="One attempt, stored, answered when it is over. The payload is shown as text.",
        request=ReplayRequest,
        optional_body=True,
        examples=_REPLAY,
        returns={200: Returns("What came of it.", models.ReplayedRunText)},
        errors=frozenset({409}),
    ),
    Operation(
        routes=("GET /v1/internal/runs/{run_id}/test-webhook",),
        tag="replays",
        summary="What such a replay would send",
        parameters=p.PREVIEW,
        returns={200: Returns("The request, without secrets.", models.ReplayedRunText)},
        errors=frozenset({400, 409}),
    ),
)

TESTS: Final = (
    Operation(
        routes=("POST /api/v1/webhooks/test",),
        tag="tests",
        summary="Send a sample payload to a URL",
        description="`task` is a task_v2.",
        request=TestRequest,
        examples=_TASKS,
        returns={200: Returns("What came of it.", models.TestResult)},
    ),
    Operation(
        routes=("POST /v1/internal/test-webhook", "POST /api/v1/internal/test-webhook"),
        tag="tests",
        summary="Send a sample payload to a URL",
        description="`task` is a task_v1.",
        request=TestRequest,
        examples=_TASKS,
        returns={200: Returns("What came of it.", models.TestResult)},
    ),
    Operation(
        routes=("POST /v1/subscriptions/{name}/test",),
        tag="tests",
        summary="Send a sample payload through a subscription's lane",
        request=SubscriptionTestRequest,
        optional_body=True,
        examples={"a workflow": {"run_type": "workflow_run"}},
        returns={200: Returns("What came of it.", models.TestResult)},
    ),
)

SUBSCRIPTIONS: Final = (
    Operation(
        routes=("GET /v1/subscriptions",),
        tag="subscriptions",
        summary="List subscriptions by name",
        parameters=(p.LIMIT, p.CURSOR),
        returns={200: Returns("A page.", models.Subscriptions)},
    ),
    Operation(
        routes=("GET /v1/subscriptions/{name}",),
        tag="subscriptions",
        summary="Look at a subscription",
        returns={200: Returns("The subscription.", models.Subscription)},
    ),
    Operation(
        routes=("POST /v1/subscriptions/{name}/resume",),
        tag="subscriptions",
        summary="End a hold `Gone` and start the age of its deliveries anew",
        returns={200: Returns("The subscription.", models.Subscription)},
    ),
)

ABOUT: Final = (
    Operation(
        routes=("GET /v1/version",),
        tag="about",
        summary="The gateway's version",
        returns={200: Returns("The version.", models.Version)},
        keyed=False,
    ),
    Operation(
        routes=("GET /api/v1/heartbeat",),
        tag="about",
        summary="Whether the gateway is alive",
        returns={200: Returns("It is.")},
        keyed=False,
    ),
    Operation(
        routes=("GET /openapi.json",),
        tag="about",
        summary="This document",
        returns={200: Returns("OpenAPI 3.1.")},
        keyed=False,
    ),
)

OPERATIONS: Final = (*RUNS, *EVENTS, *DELIVERIES, *REPLAYS, *BULK, *TESTS, *SUBSCRIPTIONS, *ABOUT)
