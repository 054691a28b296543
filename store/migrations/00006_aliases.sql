-- What the audit chain leaves out, kept beside it so that it can be forgotten:
-- who is meant by a pseudonym, and the words that a mark stands for.

-- +goose Up

CREATE TABLE alias (
    tenant     TEXT NOT NULL,
    object     TEXT NOT NULL,         -- object ID; of a chat account: the person's, a space, and the account
    pseudonym  TEXT NOT NULL UNIQUE,  -- as it stands in the chain
    secret     TEXT NOT NULL,         -- hex; the pseudonym is an HMAC under it
    name       TEXT NOT NULL,         -- as of the last use
    first_seen INTEGER NOT NULL,
    PRIMARY KEY (tenant, object)
);

CREATE TABLE aside (
    mark    TEXT PRIMARY KEY,         -- as it stands in the chain
    secret  TEXT NOT NULL,            -- hex; the mark is an HMAC under it
    tenant  TEXT NOT NULL,
    request TEXT NOT NULL,            -- the reference of the request it belongs to, or empty
    words   TEXT NOT NULL
);
CREATE INDEX aside_request ON aside (request);

-- What is left of records that were pruned: their places in the chain.
CREATE TABLE audit_link (
    number INTEGER PRIMARY KEY,
    body   TEXT NOT NULL,             -- hash of the record's text
    hash   TEXT NOT NULL
);

CREATE INDEX audit_request ON audit (request);

-- +goose Down

DROP INDEX audit_request;
DROP TABLE audit_link;

DROP TABLE aside;
DROP TABLE alias;
