-- What people have declared of accounts, beside the owner's configuration, and
-- who was looked up by whom of late.

-- +goose Up

CREATE TABLE declared (
    tenant TEXT NOT NULL,
    object TEXT NOT NULL,    -- the account's object ID; of a device the name that somebody gave it
    sort   TEXT NOT NULL,    -- scope, exception or device: one account may have one of each
    purpose TEXT NOT NULL,   -- of scope: service, shared, room or leave; else empty
    name   TEXT NOT NULL,    -- of the account as of then, for people
    why    TEXT NOT NULL,
    author TEXT NOT NULL,    -- object ID of who answers for it
    request TEXT NOT NULL,   -- the reference of the request that laid it down, or empty
    since  INTEGER NOT NULL,
    until  INTEGER,          -- it ends by itself then; NULL: it does not
    PRIMARY KEY (tenant, object, sort)
);

CREATE TABLE looked_up (
    tenant TEXT NOT NULL,
    caller TEXT NOT NULL,    -- object ID of who asked
    person TEXT NOT NULL,    -- object ID of whom they were shown
    at     INTEGER NOT NULL, -- the last time; rows go after an hour
    PRIMARY KEY (tenant, caller, person)
);

-- +goose Down

DROP TABLE looked_up;
DROP TABLE declared;
