-- Runs without a stored report, those with a target of their own apart: these are kept for longer.

DROP INDEX runs_unreported;
CREATE INDEX runs_unreported ON runs ((webhook_url IS NOT NULL), modified_at) WHERE event_id IS NULL;
