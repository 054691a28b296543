-- What is wanted stands in no index any more: a message that is to be shown anew
-- before it was shown at all is changed where it stands, and each index is left
-- alone.
-- works with: 22

-- +goose Up

DROP INDEX outbox_due;
UPDATE outbox SET due = 9223372036854775807 WHERE shown >= wanted; -- never
CREATE INDEX outbox_due ON outbox (due);
-- PostgreSQL: ALTER TABLE outbox SET (fillfactor = 50);

-- +goose Down

-- PostgreSQL: ALTER TABLE outbox RESET (fillfactor);
DROP INDEX outbox_due;
CREATE INDEX outbox_due ON outbox (due) WHERE shown < wanted;
