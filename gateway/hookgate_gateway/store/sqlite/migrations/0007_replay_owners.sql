-- Who declared a replay through the control API, so that an operator finds those whose object is gone.
--
-- Nobody owns the ones of clients, nor those declared before there were owners.

ALTER TABLE replays ADD COLUMN owner TEXT;
