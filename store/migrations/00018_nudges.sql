-- Whom leads have the bot write to, and what it wrote. Also when somebody works,
-- if they said so.

-- +goose Up

CREATE TABLE wave (
    ref      TEXT PRIMARY KEY,        -- "W-" and six characters
    tenant   TEXT NOT NULL,
    name     TEXT NOT NULL,           -- as leads call it; empty: a nudge
    whom     TEXT NOT NULL,           -- JSON: how its people are chosen
    state    TEXT NOT NULL,           -- draft, running, paused or over
    messages INTEGER NOT NULL,        -- that each of them gets at most
    due      INTEGER,                 -- it is too late from then on; NULL: no day is named
    outcome  TEXT NOT NULL,           -- what happens then, in a lead's words, or empty
    author   TEXT NOT NULL,           -- object ID of who answers for it
    request  TEXT NOT NULL,           -- reference of the request that began it, or empty
    since    INTEGER NOT NULL,        -- when it was made
    began    INTEGER                  -- NULL: it has not
);
CREATE INDEX wave_tenant ON wave (tenant, since);

CREATE TABLE wave_person (
    tenant TEXT NOT NULL,
    wave   TEXT NOT NULL,
    object TEXT NOT NULL,             -- object ID of whom it is for
    place  INTEGER NOT NULL,          -- in the order in which they were chosen
    PRIMARY KEY (tenant, wave, object)
);

CREATE TABLE nudge (
    tenant  TEXT NOT NULL,
    object  TEXT NOT NULL,            -- object ID of whom it is to
    number  INTEGER NOT NULL,         -- of all that they ever got: two processes cannot send one twice
    wave    TEXT NOT NULL,
    subject TEXT NOT NULL,            -- what they are asked for
    step    INTEGER NOT NULL,         -- which of their messages it is now
    planned INTEGER NOT NULL,
    said    INTEGER,                  -- when it went out; NULL: not yet
    done    INTEGER,                  -- when they did it; NULL: not that we know
    PRIMARY KEY (tenant, object, number)
);

ALTER TABLE staff_note ADD COLUMN hours TEXT NOT NULL DEFAULT ''; -- JSON: when they work; empty: as the others

-- +goose Down

ALTER TABLE staff_note DROP COLUMN hours;
DROP TABLE nudge;
DROP TABLE wave_person;
DROP TABLE wave;
