-- What the sync keeps of each tenant, so that figures need not wait for a read
-- of everybody. All of it can be read again: it is a copy, and no record.

-- +goose Up

CREATE TABLE person (
    tenant     TEXT NOT NULL,
    id         TEXT NOT NULL,         -- object ID
    name       TEXT NOT NULL,
    upn        TEXT NOT NULL,
    mail       TEXT NOT NULL,
    department TEXT NOT NULL,
    guest      INTEGER NOT NULL,
    enabled    INTEGER NOT NULL,
    synced     INTEGER NOT NULL,      -- kept on-premises
    licensed   INTEGER NOT NULL,
    created    INTEGER,
    listed     INTEGER NOT NULL,      -- the last full reading of accounts that had it; 0 is none yet

    report       TEXT,                -- the registration report's row; NULL: none
    report_as_of INTEGER,             -- when the tenant made that row
    reported     INTEGER NOT NULL DEFAULT 0, -- the last full reading of the report that had it

    methods       TEXT,               -- NULL: never read
    methods_as_of INTEGER,            -- when they were read
    methods_due   INTEGER,            -- when they are to be read again: 0 at once; NULL: never tried

    per_user     TEXT,                -- per-user MFA: disabled, enabled, enforced; NULL: never read
    per_user_due INTEGER,             -- like methods_due

    last_sign_in INTEGER,             -- NULL: never read; 0: the tenant knows of none
    PRIMARY KEY (tenant, id)
);
CREATE INDEX person_methods_due ON person (tenant, methods_due, id);
CREATE INDEX person_per_user_due ON person (tenant, per_user_due, id);

CREATE TABLE legacy_use (
    tenant    TEXT NOT NULL,
    day       INTEGER NOT NULL,       -- midnight UTC; a day is replaced as a whole
    user_id   TEXT NOT NULL,          -- object ID; may be empty
    upn       TEXT NOT NULL,
    client    TEXT NOT NULL,          -- the sign-in log's own word
    app       TEXT NOT NULL,
    device    TEXT NOT NULL,
    succeeded INTEGER NOT NULL,
    blocked   INTEGER NOT NULL,
    first     INTEGER,                -- of what succeeded
    last      INTEGER
);
CREATE INDEX legacy_use_day ON legacy_use (tenant, day);

CREATE TABLE mail_apps (
    tenant TEXT PRIMARY KEY,
    report TEXT NOT NULL              -- the newest report of mail programs, without those who use only modern ones
);

CREATE TABLE sync_progress (
    tenant TEXT NOT NULL,
    source TEXT NOT NULL,             -- what is read: accounts, registration report, …
    done   INTEGER,                   -- when the last complete reading began: what happened before is known
    began  INTEGER,                   -- of the reading under way; NULL: none
    cursor TEXT NOT NULL,             -- where it goes on
    round  INTEGER NOT NULL,          -- how many full readings were begun
    token  TEXT NOT NULL,             -- where changes are read from
    PRIMARY KEY (tenant, source)
);

-- +goose Down

DROP TABLE sync_progress;
DROP TABLE mail_apps;
DROP TABLE legacy_use;
DROP TABLE person;
