-- What the owner's configuration has said, and who is away.

-- +goose Up

CREATE TABLE rules (
    tenant TEXT NOT NULL,
    number INTEGER NOT NULL, -- from 1, one more with each change
    hash   TEXT NOT NULL,    -- of the rules, as requests carry it
    body   TEXT NOT NULL,    -- JSON
    since  INTEGER NOT NULL,
    PRIMARY KEY (tenant, number)
);

CREATE TABLE away (
    tenant TEXT NOT NULL,
    object TEXT NOT NULL,    -- the person's object ID
    since  INTEGER NOT NULL,
    until  INTEGER NOT NULL, -- back from then on; the row may outlive it
    PRIMARY KEY (tenant, object)
);

-- +goose Down

DROP TABLE away;
DROP TABLE rules;
