"""The verdict on a URL before anything is looked up, as whoever sends to it comes to it."""

from hookgate_gateway.rules.delivery import Namespace
from hookgate_gateway.rules.destination import (
    BadUrl,
    Destination,
    Refused,
    judge_destination,
    read_url,
)
from hookgate_gateway.rules.egress_rules import EgressRules


def judged(url: str, namespace: Namespace, rules: EgressRules) -> Destination | Refused | BadUrl:
    """On its form, its port and a literal address."""
    try:
        destination = read_url(url)
    except BadUrl as error:
        return error
    return judge_destination(destination, namespace, rules) or destination
