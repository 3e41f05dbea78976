-- Events, runs, deliveries, attempts, resources: all that a gateway keeps.
--
-- Every key begins with the namespace, so that a tenant's rows lie together and a page of them is
-- one range. Ids grow with time, so that inserts fall on each tenant's right edge. Times are unix
-- seconds. Each index costs 2-4 µs for every event: an index is here only for a hot statement.

CREATE TABLE events (
    number        INTEGER PRIMARY KEY,  -- the order of arrival; pruning walks along it
    namespace     TEXT NOT NULL,
    id            TEXT NOT NULL,
    run_id        TEXT NOT NULL,
    run_type      TEXT NOT NULL,
    status        TEXT NOT NULL,
    attempt       INTEGER NOT NULL,
    retry_pending INTEGER NOT NULL,
    final         INTEGER NOT NULL,
    received_at   REAL NOT NULL,
    origin        TEXT NOT NULL,
    body_size     INTEGER NOT NULL,
    body_sha256   BLOB NOT NULL,
    body          BLOB NOT NULL,        -- last: the other columns are read without its pages
    UNIQUE (namespace, id),
    UNIQUE (namespace, run_id, attempt, retry_pending, body_sha256)
);

CREATE TABLE runs (
    namespace       TEXT NOT NULL,
    run_id          TEXT NOT NULL,
    run_type        TEXT NOT NULL,
    status          TEXT NOT NULL,
    created_at      REAL NOT NULL,
    modified_at     REAL NOT NULL,
    workflow_id     TEXT,
    request         BLOB,                        -- NULL: never registered, known from its reports
    webhook_url     TEXT,
    webhook_lane    TEXT,
    key_secret      TEXT,
    key_fingerprint TEXT,
    event_id        TEXT,                        -- the event that speaks for the run
    final           INTEGER NOT NULL DEFAULT 0,  -- that event is a final one
    interim         INTEGER NOT NULL DEFAULT 0,  -- an interim event made deliveries
    PRIMARY KEY (namespace, run_id)
) WITHOUT ROWID;

CREATE INDEX runs_newest ON runs (namespace, created_at, run_id);
CREATE INDEX runs_unreported ON runs (created_at) WHERE event_id IS NULL;

CREATE TABLE deliveries (
    namespace       TEXT NOT NULL,
    id              TEXT NOT NULL,
    event_id        TEXT NOT NULL,
    run_id          TEXT NOT NULL,
    subscription    TEXT,                        -- NULL: to a URL
    url             TEXT,
    key_secret      TEXT,
    key_fingerprint TEXT,
    lane            TEXT NOT NULL,
    kind            TEXT NOT NULL DEFAULT 'event',
    state           TEXT NOT NULL DEFAULT 'pending',
    ending          TEXT,
    attempts        INTEGER NOT NULL DEFAULT 0,
    due             REAL,
    parked          INTEGER NOT NULL DEFAULT 0,
    created_at      REAL NOT NULL,
    ended_at        REAL,
    body_size       INTEGER NOT NULL,
    outcome         TEXT,                        -- of the last attempt, as the next two
    status_code     INTEGER,
    error           TEXT,
    replay_of       TEXT,
    PRIMARY KEY (namespace, id)
) WITHOUT ROWID;

-- What waits for time, and what waits for its lane.
CREATE INDEX deliveries_due ON deliveries (due, id) WHERE state = 'pending' AND parked = 0;
CREATE INDEX deliveries_parked ON deliveries (lane, due, id) WHERE state = 'pending' AND parked = 1;
CREATE INDEX deliveries_of_event ON deliveries (namespace, event_id);

CREATE TABLE attempts (
    namespace     TEXT NOT NULL,
    delivery_id   TEXT NOT NULL,
    number        INTEGER NOT NULL,
    started_at    REAL NOT NULL,
    duration      REAL NOT NULL,
    outcome       TEXT NOT NULL,
    status_code   INTEGER,
    retry_after   REAL,
    detail        BLOB NOT NULL,                 -- JSON: [url, request headers, response headers, error]
    response_body BLOB NOT NULL,
    PRIMARY KEY (namespace, delivery_id, number)
) WITHOUT ROWID;

-- How many deliveries are pending, so that a gauge never counts rows. '' stands for URLs.
CREATE TABLE pending (
    namespace    TEXT NOT NULL,
    subscription TEXT NOT NULL,
    count        INTEGER NOT NULL,
    PRIMARY KEY (namespace, subscription)
) WITHOUT ROWID;

CREATE TABLE resources (
    kind         TEXT NOT NULL,
    namespace    TEXT NOT NULL,
    name         TEXT NOT NULL,
    owner        TEXT NOT NULL,
    fingerprint  TEXT NOT NULL,
    document     BLOB NOT NULL,
    secrets      BLOB NOT NULL,                  -- encrypted by the gateway
    revision     INTEGER NOT NULL,
    created_at   REAL NOT NULL,
    gone_at      REAL,
    resumed_at   REAL NOT NULL DEFAULT 0,
    deleted_at   REAL,
    suspended_at REAL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;

CREATE INDEX resources_changed ON resources (revision);

-- Resources of which nothing is left, for those who ask what changed.
CREATE TABLE removed (
    kind      TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name      TEXT NOT NULL,
    revision  INTEGER NOT NULL,
    PRIMARY KEY (kind, namespace, name)
) WITHOUT ROWID;

-- Single values: the catalogue's revision, the last proof that a write works, the check of the key.
CREATE TABLE facts (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) WITHOUT ROWID;

INSERT INTO facts (name, value) VALUES ('revision', 0);
