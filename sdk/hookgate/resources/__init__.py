"""
The resources that users write: WebhookSubscription, its rules, and how its problems are told.
"""

from hookgate.resources.problems import Problem, field_path, problem_lines, problems
from hookgate.resources.subscription import API_VERSION, KIND, SubscriptionSpec, WebhookSubscription
from hookgate.resources.text import header_value_problem, trimmed_url, url_problem

__all__ = [
    "API_VERSION",
    "KIND",
    "Problem",
    "SubscriptionSpec",
    "WebhookSubscription",
    "field_path",
    "header_value_problem",
    "problem_lines",
    "problems",
    "trimmed_url",
    "url_problem",
]
