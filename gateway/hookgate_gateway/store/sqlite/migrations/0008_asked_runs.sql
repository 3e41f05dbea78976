-- Runs that an upstream is asked for, from before it is asked until it is known what it made.
--
-- A row that stays is a question without an answer: the gateway was killed, or the upstream broke off.
-- The first report of the run that came of it says which one that was.

CREATE TABLE asked_runs (
    namespace       TEXT NOT NULL,
    id              TEXT NOT NULL,
    run_type        TEXT NOT NULL,
    created_at      REAL NOT NULL,
    workflow_id     TEXT,
    request         BLOB NOT NULL,
    webhook_url     TEXT,
    webhook_lane    TEXT,
    key_secret      TEXT,
    key_fingerprint TEXT,
    once_key        TEXT,                        -- of the request, should it have one
    reservation     TEXT,                        -- what that key stands for until then
    PRIMARY KEY (namespace, id)
) WITHOUT ROWID;

CREATE INDEX asked_runs_oldest ON asked_runs (created_at);
