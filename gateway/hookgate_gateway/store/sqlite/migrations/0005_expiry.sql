-- How old what waits for a lane is, so that what has waited too long is found without a walk.
--
-- Only parked deliveries are in it: what waits for time comes due before its age is over.

CREATE INDEX deliveries_parked_age ON deliveries (lane, created_at)
    WHERE state = 'pending' AND parked = 1;
