-- What the chat platforms have delivered, so that what is delivered again, to
-- whichever replica and after whatever restart, is not done again.

-- +goose Up

CREATE TABLE inbox (
    key   TEXT PRIMARY KEY,           -- the delivery's own name
    taker TEXT NOT NULL,              -- random: tells who took it, where a commit gave no word
    taken INTEGER NOT NULL
);
CREATE INDEX inbox_taken ON inbox (taken);

-- +goose Down

DROP TABLE inbox;
