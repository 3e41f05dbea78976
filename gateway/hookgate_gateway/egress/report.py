"""
What is known of an attempt while it is made, and what of it is shown to people.
"""

from hookgate_gateway.egress.answers import Answer
from hookgate_gateway.egress.attempt import shown_headers
from hookgate_gateway.egress.guard import Trace
from hookgate_gateway.egress.pools import Plan, Pool
from hookgate_gateway.egress.request import RESENT, Headers, shown_attempt
from hookgate_gateway.ports import Shipment
from hookgate_gateway.rules.delivery import Timestamp


class Report:
    """An attempt that was ``begun`` (monotonic seconds); more is known of it step by step."""

    __slots__ = ("begun", "plan", "pool", "resent", "shipment", "signed", "started_at", "trace")

    def __init__(self, shipment: Shipment, started_at: Timestamp, begun: float) -> None:
        self.shipment = shipment
        self.started_at = started_at
        self.begun = begun
        self.plan: Plan | None = None
        self.pool: Pool | None = None
        self.signed: dict[str, str] = {}
        self.trace: Trace | None = None
        """Of the connection that was made for it, if one was."""
        self.resent = False

    @property
    def made_without_certificate(self) -> bool:
        """Whether a TLS connection was made for it that showed no client certificate."""
        secure = self.plan is not None and self.plan.secure
        return secure and self.trace is not None and self.shipment.tls.certificate_pem is None

    def shown_url(self) -> str:
        """Where it went, for people."""
        if self.plan is None:
            return ""
        if self.shipment.secret_url:
            return self.plan.destination.shown_without_path
        return self.plan.shown

    def shown_headers(self) -> Headers:
        """The request's headers for people: nothing that came from a Secret, no signature."""
        if self.pool is None:
            return ()
        shown = self.pool.shown + shown_attempt(self.signed, self.shipment)
        return (*shown, RESENT) if self.resent else shown

    def shown_answer(self, answer: Answer) -> Headers:
        """The answer's headers for people."""
        return shown_headers(answer.headers) if self.pool is None else self.pool.show(answer)
