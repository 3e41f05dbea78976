"""
The resources that users write: WebhookSubscription and WebhookReplay, their rules, and how their problems are told.
"""

from hookgate.resources.problems import Problem, field_path, problem_lines, problems
from hookgate.resources.replay import (
    REPLAY_KIND,
    ReplayFilter,
    ReplaySpec,
    ReplayStatus,
    WebhookReplay,
)
from hookgate.resources.subscription import API_VERSION, KIND, SubscriptionSpec, WebhookSubscription
from hookgate.resources.text import header_value_problem, trimmed_url, url_problem

__all__ = [
    "API_VERSION",
    "KIND",
    "REPLAY_KIND",
    "Problem",
    "ReplayFilter",
    "ReplaySpec",
    "ReplayStatus",
    "SubscriptionSpec",
    "WebhookReplay",
    "WebhookSubscription",
    "field_path",
    "header_value_problem",
    "problem_lines",
    "problems",
    "trimmed_url",
    "url_problem",
]
