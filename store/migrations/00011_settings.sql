-- What people have set for a tenant by a request: its goal, for one.

-- +goose Up

CREATE TABLE setting (
    tenant TEXT NOT NULL,
    name   TEXT NOT NULL,             -- "goal"
    value  TEXT NOT NULL,             -- JSON, whose meaning is its owner's; never empty
    since  INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
);

-- +goose Down

DROP TABLE setting;
