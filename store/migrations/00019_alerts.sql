-- What somebody has to look at: told once, and again until it is acknowledged.

-- +goose Up

CREATE TABLE alert (
    tenant       TEXT NOT NULL,
    ref          TEXT NOT NULL,        -- W-ABC234, by which people name it
    key          TEXT NOT NULL,        -- what it tells of
    headline     TEXT NOT NULL,
    body         TEXT NOT NULL,        -- paragraphs
    raised       INTEGER NOT NULL,
    told         INTEGER NOT NULL,     -- how often
    due          INTEGER NOT NULL,     -- when it is told again
    acknowledged INTEGER,              -- NULL: nobody has seen to it
    author       TEXT NOT NULL,        -- object ID of who has
    PRIMARY KEY (tenant, ref)
);
CREATE UNIQUE INDEX alert_key ON alert (tenant, key);
CREATE INDEX alert_due ON alert (tenant, due) WHERE acknowledged IS NULL;

-- +goose Down

DROP TABLE alert;
