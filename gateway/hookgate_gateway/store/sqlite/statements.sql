-- What the writer runs. Bound by position, in the order of the columns. No statistics are ever made, so
-- plans never change; where the planner would walk a whole namespace, the index is named (a test looks).

-- name: revision
SELECT value FROM facts WHERE name = 'revision'

-- name: bump_revision
UPDATE facts SET value = value + 1 WHERE name = 'revision' RETURNING value

-- name: prove_writable
-- A row that really changes, so that a full disk shows.
INSERT INTO facts (name, value) VALUES ('written', randomblob(64))
ON CONFLICT (name) DO UPDATE SET value = excluded.value

-- name: insert_event
-- Nothing happens when the report is stored already: the insertion decides what a duplicate is.
INSERT INTO events (namespace, id, run_id, run_type, status, attempt, retry_pending, final,
                    received_at, origin, body_size, body_sha256, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: event_stored
SELECT 1 FROM events WHERE namespace = ? AND id = ?

-- name: final_event_of_run
SELECT event_id FROM runs WHERE namespace = ? AND run_id = ? AND final AND event_id IS NOT NULL

-- name: original_event
SELECT id FROM events
WHERE namespace = ? AND run_id = ? AND attempt = ? AND retry_pending = ? AND body_sha256 = ?

-- name: report_run
-- The run as its report says. No row comes back for an interim report after the final one: it
-- changes nothing and is delivered to nobody. A registered run keeps the type it was asked with.
INSERT INTO runs (namespace, run_id, run_type, status, created_at, modified_at, workflow_id,
                  event_id, final, interim)
VALUES (?, ?, ?, ?, ?5, ?5, ?6, ?7, ?8, ?9)
ON CONFLICT (namespace, run_id) DO UPDATE SET
    run_type = CASE WHEN request IS NULL THEN excluded.run_type ELSE run_type END,
    status = excluded.status,
    modified_at = excluded.modified_at,
    workflow_id = coalesce(workflow_id, excluded.workflow_id),
    event_id = excluded.event_id,
    final = excluded.final,
    interim = interim OR excluded.interim
WHERE excluded.final OR NOT final
RETURNING interim, webhook_url, webhook_lane, key_secret, key_fingerprint

-- name: insert_delivery
-- To a subscription. Without values that are NULL: binding one costs as much as a third of the statement.
INSERT INTO deliveries (namespace, id, event_id, run_id, subscription, lane, due, parked,
                        created_at, body_size)
VALUES (?, ?, ?, ?, ?, ?, ?7, ?8, ?7, ?9)

-- name: insert_run_delivery
-- To the URL that a run was created with.
INSERT INTO deliveries (namespace, id, event_id, run_id, url, key_secret, key_fingerprint, lane,
                        due, parked, created_at, body_size)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?9, 0, ?9, ?10)

-- name: supersede
-- Interim deliveries of a run (namespace, run) to a subscription that its final event goes to.
UPDATE deliveries INDEXED BY deliveries_of_event
SET state = 'cancelled', ending = 'superseded', ended_at = ?3, due = NULL, parked = 0
WHERE namespace = ?1 AND subscription = ?4 AND state = 'pending' AND kind = 'event'
  AND event_id IN (SELECT id FROM events WHERE namespace = ?1 AND run_id = ?2 AND final = 0)
RETURNING id

-- name: superseded
SELECT id FROM deliveries INDEXED BY deliveries_of_event
WHERE namespace = ?1 AND ending = 'superseded'
  AND event_id IN (SELECT id FROM events WHERE namespace = ?1 AND run_id = ?2 AND final = 0)

-- name: deliveries_of_event
SELECT id, url, lane, key_secret, key_fingerprint FROM deliveries INDEXED BY deliveries_of_event
WHERE namespace = ? AND event_id = ? AND kind = 'event'

-- name: register_run
-- A run that is known from its reports alone becomes what was asked for, as long as it goes on.
INSERT INTO runs (namespace, run_id, run_type, status, created_at, modified_at, workflow_id,
                  request, webhook_url, webhook_lane, key_secret, key_fingerprint)
VALUES (?, ?, ?, ?, ?5, ?5, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    run_type = excluded.run_type,
    created_at = excluded.created_at,
    workflow_id = coalesce(excluded.workflow_id, workflow_id),
    request = excluded.request,
    webhook_url = excluded.webhook_url,
    webhook_lane = excluded.webhook_lane,
    key_secret = excluded.key_secret,
    key_fingerprint = excluded.key_fingerprint
WHERE request IS NULL AND webhook_url IS NULL AND NOT final

-- name: adopt_run
-- A run that an upstream made: likewise, and also when it has ended already.
INSERT INTO runs (namespace, run_id, run_type, status, created_at, modified_at, workflow_id,
                  request, webhook_url, webhook_lane, key_secret, key_fingerprint)
VALUES (?, ?, ?, ?, ?5, ?5, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    run_type = excluded.run_type,
    created_at = excluded.created_at,
    workflow_id = coalesce(excluded.workflow_id, workflow_id),
    request = excluded.request,
    webhook_url = excluded.webhook_url,
    webhook_lane = excluded.webhook_lane,
    key_secret = excluded.key_secret,
    key_fingerprint = excluded.key_fingerprint
WHERE request IS NULL AND webhook_url IS NULL

-- name: owe_run_target
-- The final event that was there before its run had a target is owed to that target now.
INSERT INTO deliveries (namespace, id, event_id, run_id, url, key_secret, key_fingerprint, lane,
                        due, parked, created_at, body_size)
SELECT r.namespace, ?3, r.event_id, r.run_id, r.webhook_url, r.key_secret, r.key_fingerprint,
       r.webhook_lane, e.received_at, 0, e.received_at, e.body_size
FROM runs r JOIN events e ON e.namespace = r.namespace AND e.id = r.event_id
WHERE r.namespace = ?1 AND r.run_id = ?2 AND r.final AND r.webhook_url IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM deliveries d INDEXED BY deliveries_of_event
                  WHERE d.namespace = r.namespace AND d.event_id = r.event_id
                    AND d.kind = 'event' AND d.subscription IS NULL)

-- name: due_of
SELECT due FROM deliveries WHERE namespace = ? AND id = ?

-- name: ask_run
INSERT INTO asked_runs (namespace, id, run_type, created_at, workflow_id, webhook_url, webhook_lane,
                        key_secret, key_fingerprint, once_key, reservation, request)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: asked_run
SELECT created_at, workflow_id, webhook_url, webhook_lane, key_secret, key_fingerprint, once_key,
       reservation, request
FROM asked_runs WHERE namespace = ? AND id = ?

-- name: forget_asked_run
DELETE FROM asked_runs WHERE namespace = ? AND id = ?

-- name: prune_asked_runs
DELETE FROM asked_runs WHERE (namespace, id) IN
    (SELECT namespace, id FROM asked_runs INDEXED BY asked_runs_oldest WHERE created_at < ? LIMIT ?)

-- name: registered_run
SELECT created_at, request FROM runs WHERE namespace = ? AND run_id = ?

-- name: made_once
SELECT request_sha256, made FROM once WHERE namespace = ? AND key = ? AND at >= ?

-- name: remember_once
INSERT OR REPLACE INTO once (namespace, key, request_sha256, made, at) VALUES (?, ?, ?, ?, ?)

-- name: settle_once
-- A key that was reserved as ?3, or settled already with the beginning of what it stands for now.
UPDATE once SET made = ?4 WHERE namespace = ?1 AND key = ?2
    AND (made = ?3 OR made = substr(?4, 1, length(made)))

-- name: release_once
DELETE FROM once WHERE namespace = ? AND key = ? AND made = ?

-- name: forget_once
DELETE FROM once WHERE (namespace, key) IN
    (SELECT namespace, key FROM once INDEXED BY once_oldest WHERE at < ? ORDER BY at LIMIT ?)

-- name: take_due
SELECT namespace, id, event_id, run_id, subscription, url, key_secret, key_fingerprint, lane, kind,
       attempts, due, created_at, body_size
FROM deliveries INDEXED BY deliveries_due
WHERE state = 'pending' AND parked = 0 AND (due, id) > (?1, ?2) AND due <= ?3
ORDER BY due, id LIMIT ?4

-- name: next_due
SELECT due FROM deliveries INDEXED BY deliveries_due
WHERE state = 'pending' AND parked = 0 AND due > ? ORDER BY due, id LIMIT 1

-- name: take_parked
-- With their bodies, those alone that may wait in memory (LARGE_BODY): the others are not even read.
SELECT d.namespace, d.id, d.event_id, d.run_id, d.subscription, d.url, d.key_secret,
       d.key_fingerprint, d.lane, d.kind, d.attempts, d.due, d.created_at, d.body_size,
       CASE WHEN d.body_size <= 65536 THEN e.body END
FROM deliveries d INDEXED BY deliveries_parked
JOIN events e ON e.namespace = d.namespace AND e.id = d.event_id
WHERE d.state = 'pending' AND d.parked = 1 AND d.lane = ?1 AND (d.due, d.id) > (?2, ?3)
ORDER BY d.due, d.id LIMIT ?4

-- name: parked_lanes
-- A loose scan: one seek for each lane, however much waits in it.
WITH RECURSIVE lanes (lane) AS (
    SELECT min(lane) FROM deliveries INDEXED BY deliveries_parked WHERE state = 'pending' AND parked = 1
    UNION ALL
    SELECT (SELECT min(d.lane) FROM deliveries d INDEXED BY deliveries_parked
            WHERE d.state = 'pending' AND d.parked = 1 AND d.lane > lanes.lane)
    FROM lanes WHERE lanes.lane IS NOT NULL
)
SELECT lane FROM lanes WHERE lane IS NOT NULL

-- name: event_body
SELECT body FROM events WHERE namespace = ? AND id = ?

-- name: park
UPDATE deliveries SET parked = 1 WHERE namespace = ? AND id = ? AND state = 'pending'

-- name: record_success
-- As record_pending, for what was delivered. Few values are bound, and no NULL: it costs as much as a
-- third of the statement.
UPDATE deliveries SET state = 'delivered', ending = NULL, attempts = ?1, due = NULL, parked = 0,
                      ended_at = ?2, outcome = 'success', status_code = ?3, error = NULL
WHERE namespace = ?4 AND id = ?5 AND state = 'pending' AND attempts < ?1

-- name: record_pending
-- What an attempt made of a delivery that is still owed; no row when it is not, or when this
-- attempt was recorded before.
UPDATE deliveries SET state = ?, ending = ?, attempts = ?3, due = ?, parked = ?, ended_at = ?,
                      outcome = ?, status_code = ?, error = ?
WHERE namespace = ?10 AND id = ?11 AND state = 'pending' AND attempts < ?3

-- name: record_cancelled
-- Cancelled or expired in flight: the attempt counts, and a 2xx still makes it delivered (state).
UPDATE deliveries SET state = ?, ending = ?, attempts = ?, outcome = ?, status_code = ?, error = ?
WHERE namespace = ? AND id = ?

-- name: insert_attempt
INSERT INTO attempts (namespace, delivery_id, number, started_at, duration, outcome, status_code,
                      retry_after, detail, response_body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: insert_success
INSERT INTO attempts (namespace, delivery_id, number, started_at, duration, status_code, detail,
                      response_body, outcome)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'success')
ON CONFLICT DO NOTHING

-- name: attempt_exists
SELECT 1 FROM attempts WHERE namespace = ? AND delivery_id = ? AND number = ?

-- name: delivery_state
SELECT state, ending FROM deliveries WHERE namespace = ? AND id = ?

-- name: mark_gone
-- Unless the subscription was changed after the revision (?5) that this was judged by.
UPDATE resources SET gone_at = ?3, revision = ?4
WHERE kind = 'subscription' AND namespace = ?1 AND name = ?2 AND gone_at IS NULL AND deleted_at IS NULL
    AND revision <= ?5

-- name: count_pending
INSERT INTO pending (namespace, subscription, count) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET count = count + excluded.count

-- name: forget_pending
DELETE FROM pending WHERE namespace = ? AND subscription = ? AND count = 0

-- name: end_pending
-- Without an attempt: cancelled, or exhausted because its age is over.
UPDATE deliveries SET state = ?3, ending = ?4, ended_at = ?5, due = NULL, parked = 0
WHERE namespace = ?1 AND id = ?2 AND state = 'pending'
RETURNING event_id, subscription, replay

-- name: ended_then
-- Whether a frame that came once more had ended it so.
SELECT event_id, subscription FROM deliveries
WHERE namespace = ? AND id = ? AND state = ? AND ending = ? AND ended_at = ?

-- name: overdue
-- What waits for a lane and was created before.
SELECT namespace, id FROM deliveries INDEXED BY deliveries_parked_age
WHERE state = 'pending' AND parked = 1 AND lane = ?1 AND created_at < ?2
ORDER BY created_at LIMIT ?3

-- name: set_run_status
UPDATE runs SET status = ?3, modified_at = ?4 WHERE namespace = ?1 AND run_id = ?2 AND NOT final

-- name: add_replay
INSERT INTO deliveries (namespace, id, event_id, run_id, subscription, url, key_secret,
                        key_fingerprint, lane, kind, due, parked, created_at, replay_of, body_size)
SELECT ?1, ?2, e.id, e.run_id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, e.body_size
FROM events e WHERE e.namespace = ?1 AND e.id = ?3
ON CONFLICT DO NOTHING

-- name: event_for_replay
SELECT run_id, body_size FROM events WHERE namespace = ? AND id = ?

-- name: resource
SELECT owner, created_at, gone_at, resumed_at, deleted_at, suspended_at FROM resources
WHERE kind = ? AND namespace = ? AND name = ?

-- name: put_resource
INSERT INTO resources (kind, namespace, name, owner, fingerprint, document, secrets, revision,
                       created_at, gone_at, resumed_at, suspended_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    owner = excluded.owner, fingerprint = excluded.fingerprint, document = excluded.document,
    secrets = excluded.secrets, revision = excluded.revision, gone_at = excluded.gone_at,
    resumed_at = excluded.resumed_at, suspended_at = excluded.suspended_at, deleted_at = NULL

-- name: mark_deleted
UPDATE resources SET deleted_at = ?4, revision = ?5 WHERE kind = ?1 AND namespace = ?2 AND name = ?3

-- name: resume_resource
UPDATE resources SET gone_at = NULL, resumed_at = ?4, revision = ?5
WHERE kind = ?1 AND namespace = ?2 AND name = ?3 AND deleted_at IS NULL

-- name: replace_secrets
-- The same values under another key, unless they were put anew meanwhile.
UPDATE resources SET secrets = ?4 WHERE kind = ?1 AND namespace = ?2 AND name = ?3 AND secrets = ?5

-- name: remove_resource
DELETE FROM resources WHERE kind = ? AND namespace = ? AND name = ?

-- name: note_removed
INSERT INTO removed (kind, namespace, name, revision) VALUES (?, ?, ?, ?)
ON CONFLICT DO UPDATE SET revision = excluded.revision

-- name: forget_removed
DELETE FROM removed WHERE kind = ? AND namespace = ? AND name = ?

-- name: deleted_subscriptions
SELECT namespace, name FROM resources WHERE kind = 'subscription' AND deleted_at < ?

-- name: pending_count
SELECT count FROM pending WHERE namespace = ? AND subscription = ?

-- name: parked_of_lane
SELECT id FROM deliveries INDEXED BY deliveries_parked
WHERE state = 'pending' AND parked = 1 AND lane = ? LIMIT ?

-- name: waiting_of_subscription
SELECT id FROM deliveries INDEXED BY deliveries_due
WHERE state = 'pending' AND parked = 0 AND namespace = ? AND subscription = ? LIMIT ?

-- name: events_after
SELECT number, namespace, id, run_id, received_at FROM events WHERE number > ? ORDER BY number LIMIT ?

-- name: unfinished_delivery
-- Something that keeps an event: a delivery still owed, or one that ended at or after the cutoff.
SELECT 1 FROM deliveries INDEXED BY deliveries_of_event
WHERE namespace = ? AND event_id = ? AND (state = 'pending' OR ended_at >= ?) LIMIT 1

-- name: prune_attempts
DELETE FROM attempts WHERE namespace = ?1 AND delivery_id IN
    (SELECT id FROM deliveries WHERE namespace = ?1 AND event_id = ?2)

-- name: prune_deliveries
DELETE FROM deliveries WHERE namespace = ? AND event_id = ?

-- name: prune_event
DELETE FROM events WHERE number = ?

-- name: prune_run
-- With its last event, unless its end is still to be told to its own target.
DELETE FROM runs WHERE namespace = ?1 AND run_id = ?2 AND (final OR webhook_url IS NULL)
    AND NOT EXISTS (SELECT 1 FROM events WHERE namespace = ?1 AND run_id = ?2)

-- name: forget_report
UPDATE runs SET event_id = NULL WHERE namespace = ?1 AND run_id = ?2
    AND NOT EXISTS (SELECT 1 FROM events WHERE namespace = ?1 AND run_id = ?2)

-- name: prune_unreported_runs
-- Those with a target of their own (?1 = 1), or those without.
DELETE FROM runs WHERE (namespace, run_id) IN
    (SELECT namespace, run_id FROM runs INDEXED BY runs_unreported
     WHERE event_id IS NULL AND (webhook_url IS NOT NULL) = ?1 AND modified_at < ?2 LIMIT ?3)

-- name: put_health
INSERT INTO health (namespace, subscription, last_success_at, last_failure_at, last_outcome,
                    last_status, consecutive_failures)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    last_success_at = excluded.last_success_at, last_failure_at = excluded.last_failure_at,
    last_outcome = excluded.last_outcome, last_status = excluded.last_status,
    consecutive_failures = excluded.consecutive_failures

-- name: remove_health
DELETE FROM health WHERE namespace = ? AND subscription = ?

-- name: insert_replay
INSERT INTO replays (namespace, id, filter, to_subscription, rate, key_secret, key_fingerprint,
                     created_at, owner, bound, matched, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: replay_job
SELECT filter, to_subscription, key_secret, key_fingerprint, created_at, state, selecting, bound,
       position, deferred
FROM replays WHERE namespace = ? AND id = ?

-- name: replay_now
SELECT state, selecting, matched, made, delivered, exhausted, cancelled, passed
FROM replays WHERE namespace = ? AND id = ?

-- name: matching_window
-- The id at which a window of deliveries ends; no row when fewer are left.
SELECT id FROM deliveries WHERE namespace = ? AND id > ? ORDER BY id LIMIT 1 OFFSET ?

-- name: matching
-- What a filter selects of a window, as it stood at created_at, whatever has happened since: what ended
-- later was pending then, and its outcome that of its newest attempt then; one whose event arrived later
-- (above the bound) does not count at all. Pending ones are selected only by a filter that names them.
-- The conditions are those of "matching_count" in queries.sql. The last column: another replay has sent
-- it since, although only what was not replayed is wanted, and this one has not.
SELECT d.id, d.event_id, d.run_id, d.subscription, d.url, d.key_secret, d.key_fingerprint, d.lane,
       d.body_size,
       CASE WHEN :not_replayed AND EXISTS (
            SELECT 1 FROM deliveries r INDEXED BY deliveries_of_event
            WHERE r.namespace = :namespace AND r.event_id = d.event_id AND r.kind <> 'event'
              AND r.state <> 'cancelled' AND r.replay IS NOT :replay
              AND r.subscription IS ifnull(:to_subscription, d.subscription)
              AND r.url IS CASE WHEN :to_subscription IS NULL THEN d.url END)
       THEN NOT EXISTS (
            SELECT 1 FROM deliveries r INDEXED BY deliveries_of_event
            WHERE r.namespace = :namespace AND r.event_id = d.event_id AND r.replay = :replay
              AND r.subscription IS ifnull(:to_subscription, d.subscription)
              AND r.url IS CASE WHEN :to_subscription IS NULL THEN d.url END)
       ELSE 0 END
FROM deliveries d CROSS JOIN events e ON e.namespace = d.namespace AND e.id = d.event_id
WHERE d.namespace = :namespace AND d.id > :position AND d.id <= :end_position
  AND (:kind IS NULL OR d.kind = :kind)
  AND (:subscription IS NULL OR d.subscription = :subscription)
  AND CASE WHEN d.state = 'pending' OR d.ended_at > :created_at THEN :state IS 'pending'
           ELSE :state IS NULL OR :state = d.state END
  AND (:since IS NULL OR d.created_at >= :since)
  AND (:until IS NULL OR d.created_at < :until)
  AND (:run_ids IS NULL OR d.run_id IN (SELECT value FROM json_each(:run_ids)))
  AND e.number <= :bound
  AND (:run_type IS NULL OR e.run_type = :run_type)
  AND (:status IS NULL OR e.status = :status)
  AND (:outcome IS NULL OR :outcome = CASE WHEN d.ended_at <= :created_at THEN d.outcome ELSE (
       SELECT a.outcome FROM attempts a
       WHERE a.namespace = d.namespace AND a.delivery_id = d.id
         AND a.started_at + a.duration <= :created_at
       ORDER BY a.number DESC LIMIT 1) END)
  AND (NOT :not_replayed OR NOT EXISTS (
       SELECT 1 FROM deliveries r INDEXED BY deliveries_of_event
       WHERE r.namespace = :namespace AND r.event_id = d.event_id AND r.kind <> 'event'
         AND r.created_at <= :created_at AND (r.state <> 'cancelled' OR r.ended_at > :created_at)
         AND r.replay IS NOT :replay
         AND r.subscription IS ifnull(:to_subscription, d.subscription)
         AND r.url IS CASE WHEN :to_subscription IS NULL THEN d.url END))
ORDER BY d.id LIMIT :limit

-- name: delivery_exists
SELECT 1 FROM deliveries WHERE namespace = ? AND id = ?

-- name: subscription_lives
SELECT 1 FROM resources
WHERE kind = 'subscription' AND namespace = ? AND name = ? AND deleted_at IS NULL

-- name: make_replay
-- Nothing happens when this replay has sent the event to this target already.
INSERT INTO deliveries (namespace, id, event_id, run_id, subscription, url, key_secret,
                        key_fingerprint, lane, kind, due, created_at, body_size, replay_of, replay)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'replay', ?10, ?10, ?, ?, ?)
ON CONFLICT DO NOTHING

-- name: move_replay
-- A step: made and passed are added, the other values replace what was.
UPDATE replays SET position = ?3, made = made + ?4, passed = passed + ?5, deferred = ?6
WHERE namespace = ?1 AND id = ?2

-- name: begin_pass
UPDATE replays SET position = '', passed = 0, deferred = 0 WHERE namespace = ? AND id = ?

-- name: end_selection
UPDATE replays SET selecting = 0, matched = made + passed WHERE namespace = ? AND id = ?

-- name: change_replay
-- Pause and resume. One that is over stays as it is.
UPDATE replays SET state = ?3
WHERE namespace = ?1 AND id = ?2 AND state IN ('running', 'paused') AND unfinished = 1

-- name: cancel_replay
UPDATE replays SET state = 'cancelled', selecting = 0
WHERE namespace = ? AND id = ? AND state IN ('running', 'paused') AND unfinished = 1

-- name: count_replay
UPDATE replays SET delivered = delivered + ?3, exhausted = exhausted + ?4, cancelled = cancelled + ?5
WHERE namespace = ?1 AND id = ?2

-- name: settle_replay
UPDATE replays SET unfinished = 0,
                   state = CASE state WHEN 'cancelled' THEN state ELSE 'completed' END
WHERE namespace = ? AND id = ? AND unfinished = 1 AND selecting = 0
  AND made <= delivered + exhausted + cancelled

-- name: replay_of_delivery
SELECT replay FROM deliveries WHERE namespace = ? AND id = ?

-- name: pending_of_replay
SELECT id, subscription FROM deliveries INDEXED BY deliveries_pending_of_replay
WHERE namespace = ? AND replay = ? AND state = 'pending' ORDER BY id LIMIT ?

-- name: replay_may_select
-- Whether a replay that goes on selecting may come to this event. The event of its bound stays whoever's
-- it is: no later one is given its number.
SELECT 1 FROM replays INDEXED BY replays_unfinished
WHERE unfinished = 1 AND selecting = 1 AND (bound = ?2 OR (namespace = ?1 AND bound > ?2)) LIMIT 1

-- name: prune_replays
DELETE FROM replays WHERE (namespace, id) IN
    (SELECT namespace, id FROM replays INDEXED BY replays_over
     WHERE unfinished = 0 AND created_at < ? LIMIT ?)
