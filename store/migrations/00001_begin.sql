-- Times are whole microseconds since 1970, UTC, and only ever come from
-- twokey_now(). JSON columns are text and are never changed in spelling.

-- +goose Up

CREATE TABLE request (
    id           TEXT PRIMARY KEY,    -- 128 random bits, hex
    ref          TEXT NOT NULL UNIQUE,-- for people: R-ABC234
    key          TEXT NOT NULL UNIQUE,-- the delivery that asked it: a second one asks nothing
    tenant       TEXT NOT NULL,
    tenant_name  TEXT NOT NULL,
    kind         TEXT NOT NULL,
    kind_version INTEGER NOT NULL,
    args         TEXT NOT NULL,
    targets      TEXT NOT NULL,       -- [{id, name}]
    snapshot     TEXT NOT NULL,       -- the tenant when asked, compared when run
    words        TEXT NOT NULL,       -- exactly what approvers were shown
    reason       TEXT NOT NULL,
    requester    TEXT NOT NULL,       -- object ID
    subscribers  TEXT NOT NULL,       -- who is shown it
    policy       TEXT NOT NULL,
    digest       TEXT NOT NULL,       -- of all above
    created      INTEGER NOT NULL,
    expires      INTEGER NOT NULL,
    state        TEXT NOT NULL,
    version      INTEGER NOT NULL,    -- compare-and-set
    not_before   INTEGER,             -- set with the quorum: the end of the wait
    start_by     INTEGER,             -- set with the quorum
    outcome      TEXT NOT NULL
);
CREATE INDEX request_state ON request (tenant, state, created);

CREATE TABLE decision (
    request TEXT NOT NULL REFERENCES request (id),
    tenant  TEXT NOT NULL,
    object  TEXT NOT NULL,            -- one person, whatever account was used
    account TEXT NOT NULL,
    approve INTEGER NOT NULL,
    digest  TEXT NOT NULL,            -- of what the person was shown
    why     TEXT NOT NULL,
    at      INTEGER NOT NULL,
    number  INTEGER PRIMARY KEY,      -- the order
    UNIQUE (request, tenant, object, approve)
);

CREATE TABLE attempt (
    request  TEXT NOT NULL REFERENCES request (id),
    fence    INTEGER NOT NULL,
    owner    TEXT NOT NULL,
    started  INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    closed   INTEGER NOT NULL
);
CREATE UNIQUE INDEX attempt_open ON attempt (request) WHERE closed = 0;

CREATE TABLE step (
    request     TEXT NOT NULL REFERENCES request (id),
    number      INTEGER NOT NULL,
    try         INTEGER NOT NULL,
    fence       INTEGER NOT NULL,
    method      TEXT NOT NULL,
    url         TEXT NOT NULL,
    body_hash   TEXT NOT NULL,
    intent      INTEGER NOT NULL,     -- stored before the first byte is sent
    class       TEXT NOT NULL,        -- "open" until the answer is stored
    facts       TEXT NOT NULL,
    request_id  TEXT NOT NULL,        -- the tenant's name for the call
    client_id   TEXT NOT NULL,        -- ours
    what        TEXT NOT NULL,
    finished_at INTEGER,
    PRIMARY KEY (request, number, try)
);
CREATE UNIQUE INDEX step_open ON step (request) WHERE class = 'open';

CREATE TABLE outbox (
    id      INTEGER PRIMARY KEY,      -- the order
    key     TEXT NOT NULL UNIQUE,
    kind    TEXT NOT NULL,
    topic   TEXT NOT NULL,            -- what it tells of: all rows of a topic change together
    address TEXT NOT NULL,            -- a chat address as JSON
    facts   TEXT NOT NULL,
    wanted  INTEGER NOT NULL,         -- the state that should be shown
    shown   INTEGER NOT NULL,         -- the state that is shown; 0 is nothing
    message TEXT NOT NULL,            -- the platform's ID once posted
    tries   INTEGER NOT NULL,
    due     INTEGER NOT NULL,
    failure TEXT NOT NULL             -- the last one, for operators
);
CREATE INDEX outbox_due ON outbox (due) WHERE shown < wanted;
CREATE INDEX outbox_topic ON outbox (topic);

CREATE TABLE lease (
    name  TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,           -- only grows
    until INTEGER NOT NULL
);

CREATE TABLE audit (
    number  INTEGER PRIMARY KEY,      -- without gaps, from 1
    at      TEXT NOT NULL,            -- text, because it is hashed as it stands
    tenant  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    actor   TEXT NOT NULL,
    request TEXT NOT NULL,
    facts   TEXT NOT NULL,
    prev    TEXT NOT NULL,
    hash    TEXT NOT NULL
);

CREATE TABLE slot (
    tenant  TEXT NOT NULL,
    job     TEXT NOT NULL,            -- "digest"
    week    TEXT NOT NULL,            -- ISO week, 2026-W48
    planned INTEGER NOT NULL,         -- the due moment; for a digest posted by hand, that moment
    done    INTEGER NOT NULL,
    late    INTEGER NOT NULL,
    PRIMARY KEY (tenant, job, week)
);

CREATE TABLE job (
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL,
    since  INTEGER NOT NULL,          -- nothing before it is made up for
    PRIMARY KEY (tenant, name)
);

CREATE TABLE week (
    tenant TEXT NOT NULL,
    week   TEXT NOT NULL,
    as_of  INTEGER NOT NULL,
    sums   TEXT NOT NULL,             -- the week's figures, small, kept for years
    PRIMARY KEY (tenant, week)
);

-- +goose Down

DROP TABLE week;
DROP TABLE job;
DROP TABLE slot;
DROP TABLE audit;
DROP TABLE lease;
DROP TABLE outbox;
DROP TABLE step;
DROP TABLE attempt;
DROP TABLE decision;
DROP TABLE request;
