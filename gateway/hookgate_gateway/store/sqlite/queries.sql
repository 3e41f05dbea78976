-- What the reading connection runs. The namespace is always the first parameter. Pages go from the
-- newest to the oldest. A filter may match next to nothing, so a page looks at one window of rows after
-- another, each in a short transaction: *_window says where a window ends.

-- name: run
SELECT r.namespace, r.run_id, r.run_type, r.status, r.created_at, r.modified_at, r.request,
       r.webhook_url, r.key_secret, r.key_fingerprint, r.workflow_id, r.event_id, r.final, e.body
FROM runs r LEFT JOIN events e ON e.namespace = r.namespace AND e.id = r.event_id
WHERE r.namespace = :namespace AND r.run_id = :run_id

-- name: registered_elsewhere
-- Unless the namespace knows the run itself: a seek for each other namespace.
WITH RECURSIVE spaces (namespace) AS (
    SELECT min(namespace) FROM runs
    WHERE NOT EXISTS (SELECT 1 FROM runs WHERE namespace = :namespace AND run_id = :run_id)
    UNION ALL
    SELECT (SELECT min(r.namespace) FROM runs r WHERE r.namespace > spaces.namespace)
    FROM spaces WHERE spaces.namespace IS NOT NULL
)
SELECT 1 FROM spaces CROSS JOIN runs r ON r.namespace = spaces.namespace AND r.run_id = :run_id
WHERE r.request IS NOT NULL LIMIT 1

-- name: event
SELECT id, namespace, run_id, run_type, status, attempt, retry_pending, final, received_at, origin,
       body_size, body_sha256, NULL
FROM events WHERE namespace = :namespace AND id = :id

-- name: event_with_body
SELECT id, namespace, run_id, run_type, status, attempt, retry_pending, final, received_at, origin,
       body_size, body_sha256, body
FROM events WHERE namespace = :namespace AND id = :id

-- name: final_event
SELECT id, namespace, run_id, run_type, status, attempt, retry_pending, final, received_at, origin,
       body_size, body_sha256, body
FROM events WHERE namespace = :namespace AND run_id = :run_id AND final = 1 ORDER BY +id DESC LIMIT 1

-- name: body
SELECT body FROM events WHERE namespace = :namespace AND id = :id

-- name: delivery
SELECT id, namespace, event_id, run_id, subscription, url, key_secret, key_fingerprint, lane, kind,
       state, ending, attempts, outcome, status_code, error, due, parked, created_at, ended_at,
       replay_of
FROM deliveries WHERE namespace = :namespace AND id = :id

-- name: attempts
SELECT number, started_at, duration, outcome, status_code, retry_after, detail, response_body
FROM attempts WHERE namespace = :namespace AND delivery_id = :id ORDER BY number

-- name: deliveries_of_run
SELECT id, namespace, event_id, run_id, subscription, url, key_secret, key_fingerprint, lane, kind,
       state, ending, attempts, outcome, status_code, error, due, parked, created_at, ended_at,
       replay_of
FROM deliveries INDEXED BY deliveries_of_event
WHERE namespace = :namespace
  AND event_id IN (SELECT id FROM events WHERE namespace = :namespace AND run_id = :run_id)
ORDER BY id LIMIT :limit

-- name: deliveries_window
SELECT id FROM deliveries WHERE namespace = :namespace AND id < :position
ORDER BY id DESC LIMIT 1 OFFSET :window

-- name: deliveries_page
SELECT id, namespace, event_id, run_id, subscription, url, key_secret, key_fingerprint, lane, kind,
       state, ending, attempts, outcome, status_code, error, due, parked, created_at, ended_at,
       replay_of
FROM deliveries
WHERE namespace = :namespace AND id < :position AND id >= :end_position
  AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:subscriptions IS NULL OR subscription IN (SELECT value FROM json_each(:subscriptions)))
  AND (:outcome IS NULL OR outcome = :outcome)
  AND (:since IS NULL OR created_at >= :since)
  AND (:until IS NULL OR created_at < :until)
ORDER BY id DESC LIMIT :limit

-- name: deliveries_of_run_page
-- A run has few deliveries: found by its events, without windows.
SELECT id, namespace, event_id, run_id, subscription, url, key_secret, key_fingerprint, lane, kind,
       state, ending, attempts, outcome, status_code, error, due, parked, created_at, ended_at,
       replay_of
FROM deliveries INDEXED BY deliveries_of_event
WHERE namespace = :namespace AND id < :position
  AND event_id IN (SELECT id FROM events WHERE namespace = :namespace AND run_id = :run_id)
  AND (:event_id IS NULL OR event_id = :event_id)
  AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:subscriptions IS NULL OR subscription IN (SELECT value FROM json_each(:subscriptions)))
  AND (:outcome IS NULL OR outcome = :outcome)
  AND (:since IS NULL OR created_at >= :since)
  AND (:until IS NULL OR created_at < :until)
ORDER BY id DESC LIMIT :limit

-- name: deliveries_of_event_page
SELECT id, namespace, event_id, run_id, subscription, url, key_secret, key_fingerprint, lane, kind,
       state, ending, attempts, outcome, status_code, error, due, parked, created_at, ended_at,
       replay_of
FROM deliveries INDEXED BY deliveries_of_event
WHERE namespace = :namespace AND id < :position AND event_id = :event_id
  AND (:states IS NULL OR state IN (SELECT value FROM json_each(:states)))
  AND (:subscriptions IS NULL OR subscription IN (SELECT value FROM json_each(:subscriptions)))
  AND (:outcome IS NULL OR outcome = :outcome)
  AND (:since IS NULL OR created_at >= :since)
  AND (:until IS NULL OR created_at < :until)
ORDER BY id DESC LIMIT :limit

-- name: events_window
SELECT id FROM events WHERE namespace = :namespace AND id < :position
ORDER BY id DESC LIMIT 1 OFFSET :window

-- name: events_page
SELECT id, namespace, run_id, run_type, status, attempt, retry_pending, final, received_at, origin,
       body_size, body_sha256, NULL
FROM events
WHERE namespace = :namespace AND id < :position AND id >= :end_position
  AND (:run_type IS NULL OR run_type = :run_type)
  AND (:status IS NULL OR status = :status)
  AND (:since IS NULL OR received_at >= :since)
  AND (:until IS NULL OR received_at < :until)
ORDER BY id DESC LIMIT :limit

-- name: events_of_run_page
-- A plus keeps the planner from walking the namespace along its ids instead of the run's few events.
SELECT id, namespace, run_id, run_type, status, attempt, retry_pending, final, received_at, origin,
       body_size, body_sha256, NULL
FROM events
WHERE namespace = :namespace AND run_id = :run_id AND +id < :position
  AND (:run_type IS NULL OR run_type = :run_type)
  AND (:status IS NULL OR status = :status)
  AND (:since IS NULL OR received_at >= :since)
  AND (:until IS NULL OR received_at < :until)
ORDER BY +id DESC LIMIT :limit

-- name: runs_window
SELECT created_at, run_id FROM runs
WHERE namespace = :namespace AND (created_at, run_id) < (:created_at, :run_id)
ORDER BY created_at DESC, run_id DESC LIMIT 1 OFFSET :window

-- name: runs_page
-- Positions alone: a page of runs with large payloads is cut short. The search is for a part of the text
-- as it stands: instr, no patterns.
SELECT r.created_at, r.run_id
FROM runs r
WHERE r.namespace = :namespace AND (r.created_at, r.run_id) < (:created_at, :run_id)
  AND (r.created_at, r.run_id) >= (:end_created_at, :end_run_id)
  AND (:statuses IS NULL OR r.status IN (SELECT value FROM json_each(:statuses)))
  AND (:run_types IS NULL OR r.run_type IN (SELECT value FROM json_each(:run_types)))
  AND (:search IS NULL OR instr(r.run_id, :search) OR instr(r.workflow_id, :search)
       OR instr(CAST(r.request AS TEXT), :search))
ORDER BY r.created_at DESC, r.run_id DESC LIMIT :limit

-- name: changed_resources
SELECT kind, namespace, name, owner, fingerprint, document, secrets, revision, created_at, gone_at,
       resumed_at, deleted_at, suspended_at
FROM resources WHERE revision > :since ORDER BY revision

-- name: removed_resources
SELECT kind, namespace, name FROM removed WHERE revision > :since ORDER BY revision

-- name: revision
SELECT value FROM facts WHERE name = 'revision'

-- name: secrets_after
-- A page of all encrypted values, in the order of their keys.
SELECT kind, namespace, name, secrets FROM resources
WHERE (kind, namespace, name) > (:kind, :namespace, :name) ORDER BY kind, namespace, name LIMIT :limit

-- name: any_secrets
SELECT secrets FROM resources LIMIT 1

-- name: pending
-- One row with all of them: the thread gives the GIL back and waits for it again at each row.
SELECT json_group_array(json_array(namespace, subscription, count)) FROM pending

-- name: reusable
-- From the header of the file: no page is looked at.
SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size

-- name: oldest_due
SELECT due FROM deliveries INDEXED BY deliveries_due
WHERE state = 'pending' AND parked = 0 ORDER BY due, id LIMIT 1

-- name: health
SELECT namespace, subscription, last_success_at, last_failure_at, last_outcome, last_status,
       consecutive_failures
FROM health

-- name: newest_number
SELECT ifnull(max(number), 0) FROM events

-- name: matching_window
SELECT id FROM deliveries WHERE namespace = :namespace AND id > :position
ORDER BY id LIMIT 1 OFFSET :window

-- name: matching_count
-- How many a filter selects of a window. The conditions are those of "matching" in statements.sql.
SELECT count(*)
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

-- name: replay
SELECT filter, to_subscription, rate, key_secret, key_fingerprint, created_at, owner, namespace, id,
       state, selecting, matched, made, delivered, exhausted, cancelled, passed
FROM replays WHERE namespace = :namespace AND id = :id

-- name: replays_page
SELECT filter, to_subscription, rate, key_secret, key_fingerprint, created_at, owner, namespace, id,
       state, selecting, matched, made, delivered, exhausted, cancelled, passed
FROM replays WHERE namespace = :namespace AND (created_at, id) < (:created_at, :position)
ORDER BY created_at DESC, id DESC LIMIT :limit

-- name: declared_replays_page
SELECT filter, to_subscription, rate, key_secret, key_fingerprint, created_at, owner, namespace, id,
       state, selecting, matched, made, delivered, exhausted, cancelled, passed
FROM replays WHERE (namespace, id) > (:namespace, :position) AND (:owner IS NULL OR owner = :owner)
ORDER BY namespace, id LIMIT :limit

-- name: declared_unfinished_page
SELECT filter, to_subscription, rate, key_secret, key_fingerprint, created_at, owner, namespace, id,
       state, selecting, matched, made, delivered, exhausted, cancelled, passed
FROM replays INDEXED BY replays_unfinished
WHERE unfinished = 1 AND (namespace, id) > (:namespace, :position)
  AND (:owner IS NULL OR owner = :owner)
ORDER BY namespace, id LIMIT :limit

-- name: unfinished_replays
SELECT filter, to_subscription, rate, key_secret, key_fingerprint, created_at, owner, namespace, id,
       state, selecting, matched, made, delivered, exhausted, cancelled, passed
FROM replays INDEXED BY replays_unfinished WHERE unfinished = 1 ORDER BY namespace, id
