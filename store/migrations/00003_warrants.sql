-- Why somebody may ask or decide, kept as of then; and the freeze of a tenant.

-- +goose Up

ALTER TABLE request ADD COLUMN warrant TEXT NOT NULL DEFAULT '{}';
ALTER TABLE request ADD COLUMN config_hash TEXT NOT NULL DEFAULT ''; -- of the owner's rules when it was asked
ALTER TABLE decision ADD COLUMN warrant TEXT NOT NULL DEFAULT '{}';
CREATE INDEX request_created ON request (tenant, created);
CREATE INDEX request_start_by ON request (tenant, start_by);

CREATE TABLE frozen (
    tenant TEXT PRIMARY KEY,          -- a row is there while nothing may be asked or started
    since  INTEGER NOT NULL,
    author TEXT NOT NULL,             -- object ID, or "host"
    why    TEXT NOT NULL
);

-- +goose Down

DROP TABLE frozen;
DROP INDEX request_start_by;
DROP INDEX request_created;
ALTER TABLE decision DROP COLUMN warrant;
ALTER TABLE request DROP COLUMN config_hash;
ALTER TABLE request DROP COLUMN warrant;
