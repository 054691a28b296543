-- Our own app registrations as they were last read, to notice who else can act
-- in our name since.

-- +goose Up

CREATE TABLE watched_app (
    tenant TEXT NOT NULL,
    app    TEXT NOT NULL,             -- application ID
    body   TEXT NOT NULL,             -- JSON of watch.SeenApp; no secrets, the tenant shows none
    PRIMARY KEY (tenant, app)
);

-- +goose Down

DROP TABLE watched_app;
