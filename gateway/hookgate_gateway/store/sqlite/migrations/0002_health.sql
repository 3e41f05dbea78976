-- What the attempts of each subscription say, so that it is known after a restart.
--
-- Written every few seconds for those that changed; read once, at the start.

CREATE TABLE health (
    namespace            TEXT NOT NULL,
    subscription         TEXT NOT NULL,
    last_success_at      REAL,
    last_failure_at      REAL,
    last_outcome         TEXT,              -- of the last failure, as the next one
    last_status          INTEGER,
    consecutive_failures INTEGER NOT NULL,
    PRIMARY KEY (namespace, subscription)
) WITHOUT ROWID;
