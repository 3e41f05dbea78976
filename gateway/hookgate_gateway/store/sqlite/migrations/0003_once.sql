-- What requests with an Idempotency-Key have made, so that one sent again makes nothing new.
--
-- Small rows: the answer is made again from what was made. Whoever adds one removes a few that are too
-- old to count, so that the table never outgrows the keys of one day.

CREATE TABLE once (
    namespace      TEXT NOT NULL,
    key            TEXT NOT NULL,
    request_sha256 BLOB NOT NULL,
    made           TEXT NOT NULL,      -- a run's id
    at             REAL NOT NULL,
    PRIMARY KEY (namespace, key)
) WITHOUT ROWID;

CREATE INDEX once_oldest ON once (at);
