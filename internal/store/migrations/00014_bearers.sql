-- +goose Up
-- When the bearer token of a device was made whose program has no key of its own; 0 for devices with an agent. Of the token
-- there is a public key, where other devices have theirs.
ALTER TABLE devices ADD COLUMN bearer_ms BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE devices DROP COLUMN bearer_ms;
