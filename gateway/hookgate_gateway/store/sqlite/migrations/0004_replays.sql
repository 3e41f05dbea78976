-- Bulk replays, and which of them a delivery was made by.
--
-- A replay walks along the ids of its namespace's deliveries up to a frozen bound, the number of the
-- event that had arrived last when it was created; "position" says how far. What it makes is counted
-- as it ends, so that nobody ever counts rows.

CREATE TABLE replays (
    namespace       TEXT NOT NULL,
    id              TEXT NOT NULL,
    filter          TEXT NOT NULL,               -- JSON, by the names of the statement's parameters
    to_subscription TEXT,
    rate            REAL,
    key_secret      TEXT,
    key_fingerprint TEXT,
    created_at      REAL NOT NULL,
    state           TEXT NOT NULL DEFAULT 'running',
    unfinished      INTEGER NOT NULL DEFAULT 1,  -- more is to be made, or something made has not ended
    selecting       INTEGER NOT NULL DEFAULT 1,  -- more is to be made
    bound           INTEGER NOT NULL,            -- the last event's number that it may select
    position        TEXT NOT NULL DEFAULT '',    -- the last delivery's id that was looked at
    deferred        INTEGER NOT NULL DEFAULT 0,  -- in this pass left for another one
    matched         INTEGER NOT NULL,
    made            INTEGER NOT NULL DEFAULT 0,
    delivered       INTEGER NOT NULL DEFAULT 0,
    exhausted       INTEGER NOT NULL DEFAULT 0,
    cancelled       INTEGER NOT NULL DEFAULT 0,
    passed          INTEGER NOT NULL DEFAULT 0,  -- in this pass
    PRIMARY KEY (namespace, id)
) WITHOUT ROWID;

CREATE INDEX replays_newest ON replays (namespace, created_at, id);
CREATE INDEX replays_unfinished ON replays (namespace, id) WHERE unfinished = 1;
CREATE INDEX replays_over ON replays (created_at) WHERE unfinished = 0;

ALTER TABLE deliveries ADD COLUMN replay TEXT;

-- A replay sends an event to a target once. The second one finds what is left to be cancelled.
CREATE UNIQUE INDEX deliveries_of_replay
    ON deliveries (namespace, replay, event_id, ifnull(subscription, ''), ifnull(url, ''))
    WHERE replay IS NOT NULL;
CREATE INDEX deliveries_pending_of_replay ON deliveries (namespace, replay, id)
    WHERE replay IS NOT NULL AND state = 'pending';
