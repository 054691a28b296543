-- What people told the bot about themselves, and their cases with the help desk.

-- +goose Up

CREATE TABLE staff_note (
    tenant    TEXT NOT NULL,
    object    TEXT NOT NULL,          -- the person's object ID
    postponed INTEGER,                -- no reminder before then; NULL: none is postponed
    needs_key INTEGER NOT NULL,       -- 1: has no phone for this
    seen      TEXT NOT NULL,          -- JSON: IDs of the methods that they had as they last looked
    looked    INTEGER,                -- NULL: never
    PRIMARY KEY (tenant, object)
);

CREATE TABLE staff_case (
    ref     TEXT PRIMARY KEY,         -- "C-" and six characters
    tenant  TEXT NOT NULL,
    kind    TEXT NOT NULL,
    person  TEXT NOT NULL,            -- object ID of whom it is about; of who is not linked, the chat account
    opener  TEXT NOT NULL,            -- the same, of who opened it
    open    INTEGER NOT NULL,         -- 0: it is closed
    version INTEGER NOT NULL,
    opened  INTEGER NOT NULL,
    body    TEXT NOT NULL             -- JSON; of proofs the kinds alone
);
CREATE UNIQUE INDEX staff_case_open ON staff_case (tenant, kind, person) WHERE open = 1;
CREATE INDEX staff_case_person ON staff_case (tenant, person);
CREATE INDEX staff_case_opener ON staff_case (tenant, opener);

-- +goose Down

DROP TABLE staff_case;
DROP TABLE staff_note;
