-- What is read often is found by an index: what is open by its state, whatever the
-- tenant, what was asked alike by the beginning of its arguments, which may be
-- longer than an entry of an index, and attempts by their request.
-- works with: 22

-- +goose Up

DROP INDEX request_state;
CREATE INDEX request_state ON request (state, tenant, created);
CREATE INDEX request_alike ON request (tenant, kind, substr(args, 1, 200));
CREATE INDEX attempt_request ON attempt (request);

-- +goose Down

DROP INDEX attempt_request;
DROP INDEX request_alike;
DROP INDEX request_state;
CREATE INDEX request_state ON request (tenant, state, created);
