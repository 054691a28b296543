-- What finding out needs: the tenant just before the first call, and the ID of
-- what a call created, by which it can be taken back.

-- +goose Up

ALTER TABLE attempt ADD COLUMN before TEXT NOT NULL DEFAULT ''; -- JSON, as the action read it; empty: not kept
ALTER TABLE step ADD COLUMN object TEXT NOT NULL DEFAULT '';    -- empty: it creates nothing, or what is not known

-- +goose Down

ALTER TABLE step DROP COLUMN object;
ALTER TABLE attempt DROP COLUMN before;
