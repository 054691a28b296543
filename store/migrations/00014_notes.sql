-- Small texts that a chat adapter needs again, in another process or another
-- life: what a button means whose ID has no room for it, and how often a session
-- was begun.

-- +goose Up

CREATE TABLE note (
    name  TEXT PRIMARY KEY,           -- "discord/button/…"
    body  TEXT NOT NULL,
    until INTEGER NOT NULL            -- it is not needed after that
);
CREATE INDEX note_until ON note (until);

-- +goose Down

DROP TABLE note;
