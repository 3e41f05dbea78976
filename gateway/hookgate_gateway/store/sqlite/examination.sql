-- What an examination runs: once, over everything, with nobody waiting for it.

-- name: secrets
SELECT kind, namespace, name, secrets FROM resources ORDER BY kind, namespace, name

-- name: miscounted
-- Pending deliveries whose count, kept for the gauges, is not what is really there.
SELECT namespace, subscription, sum(counted), sum(real) FROM (
    SELECT namespace, subscription, count AS counted, 0 AS real FROM pending
    UNION ALL
    SELECT namespace, coalesce(subscription, ''), 0, 1 FROM deliveries WHERE state = 'pending'
) GROUP BY namespace, subscription HAVING sum(counted) != sum(real)

-- name: count_events
SELECT count(*) FROM events

-- name: count_runs
SELECT count(*) FROM runs

-- name: count_deliveries
SELECT count(*) FROM deliveries

-- name: count_attempts
SELECT count(*) FROM attempts

-- name: count_resources
SELECT count(*) FROM resources

-- name: count_pending
SELECT coalesce(sum(count), 0) FROM pending
