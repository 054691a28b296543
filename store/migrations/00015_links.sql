-- Whose a chat account is because its owner signed in on the page, the visits in
-- which people did, what they proved lately, and their passkeys for the page. Of
-- tokens, tickets and codes sums alone are kept.

-- +goose Up

CREATE TABLE link (
    tenant    TEXT NOT NULL,
    account   TEXT NOT NULL,          -- JSON of chat.Account
    ref       TEXT NOT NULL UNIQUE,   -- "L-" and six characters
    object    TEXT NOT NULL,          -- the person's object ID
    proof     TEXT NOT NULL,          -- what they proved as it was made
    since     INTEGER NOT NULL,
    until     INTEGER,                -- NULL: it does not end
    confirmed INTEGER,                -- when an owner confirmed it; NULL: none did
    confirmer TEXT NOT NULL,          -- that owner's object ID
    PRIMARY KEY (tenant, account)
);
CREATE INDEX link_object ON link (tenant, object);

CREATE TABLE visit (
    token   TEXT PRIMARY KEY,         -- SHA-256 in hex of what the address ends with
    ticket  TEXT,                     -- the same of what the browser holds; NULL: none has it
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,            -- JSON of chat.Account: which asked for it
    purpose TEXT NOT NULL,
    object  TEXT NOT NULL,            -- who must sign in, or of a link who did
    state   TEXT NOT NULL,
    asked   INTEGER NOT NULL,
    until   INTEGER NOT NULL,
    tries   INTEGER NOT NULL,
    body    TEXT NOT NULL             -- JSON
);
CREATE UNIQUE INDEX visit_ticket ON visit (ticket);
CREATE INDEX visit_account ON visit (tenant, account);
CREATE INDEX visit_asked ON visit (asked);

CREATE TABLE proof (
    tenant  TEXT NOT NULL,
    account TEXT NOT NULL,            -- JSON of chat.Account: by which it counts
    object  TEXT NOT NULL,            -- who proved it
    proof   TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (tenant, account)
);

CREATE TABLE passkey (
    tenant  TEXT NOT NULL,
    id      TEXT NOT NULL,            -- base64url of the credential's
    ref     TEXT NOT NULL UNIQUE,     -- "K-" and six characters
    object  TEXT NOT NULL,            -- whose it is
    account TEXT NOT NULL,            -- JSON of chat.Account: in whose visit it was registered
    body    TEXT NOT NULL,            -- base64: what checks it, and nothing that could be used in its place
    added   INTEGER NOT NULL,
    trusted INTEGER NOT NULL,         -- 1: it counts before it is a day old
    PRIMARY KEY (tenant, id)
);
CREATE INDEX passkey_object ON passkey (tenant, object);

-- +goose Down

DROP TABLE passkey;
DROP TABLE proof;
DROP TABLE visit;
DROP TABLE link;
