-- What was changed in the tenants, by whomever, as their own audit logs say. It
-- is kept as long as the audit record, long after those logs have forgotten it.

-- +goose Up

CREATE TABLE change (
    tenant      TEXT NOT NULL,
    line        TEXT NOT NULL,        -- the log's own ID of the line; for a gap, gap/ and its beginning
    at          INTEGER NOT NULL,     -- by the log's clock
    until       INTEGER,              -- the end of a gap; NULL for a change
    kind        TEXT NOT NULL,
    activity    TEXT NOT NULL,        -- as Microsoft names it
    operation   TEXT NOT NULL,
    target_id   TEXT NOT NULL,
    target      TEXT NOT NULL,        -- what it was called then
    old_value   TEXT NOT NULL,
    new_value   TEXT NOT NULL,
    by_user     TEXT NOT NULL,        -- object ID
    by_app      TEXT NOT NULL,        -- application ID
    by_name     TEXT NOT NULL,        -- what they were called then
    own         INTEGER NOT NULL,     -- 1: people did it to their own account
    correlation TEXT NOT NULL,
    origin      TEXT NOT NULL,        -- twokey, outside, in our name, gap
    request     TEXT NOT NULL,        -- R-ABC234, if it is ours
    client_id   TEXT NOT NULL,        -- of our step
    proved      INTEGER NOT NULL,     -- 1: the log names our step; 0: app, target and time fit
    failed      INTEGER NOT NULL,     -- 1: it was tried and refused
    told        INTEGER NOT NULL,     -- 1: somebody was told, or nobody need be
    PRIMARY KEY (tenant, line)
);
CREATE INDEX change_at ON change (tenant, at);
CREATE INDEX change_client ON change (client_id) WHERE client_id <> '';
CREATE INDEX change_untold ON change (tenant) WHERE told = 0;

CREATE TABLE change_watch (
    tenant        TEXT PRIMARY KEY,
    watched_since INTEGER NOT NULL,   -- the log was read from then …
    watched_until INTEGER NOT NULL    -- … to then, apart from gaps
);

-- +goose Down

DROP TABLE change_watch;
DROP TABLE change;
