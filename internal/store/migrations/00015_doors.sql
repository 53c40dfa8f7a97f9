-- +goose Up
-- By which door a session's viewer came, and until when one without a link may look.
ALTER TABLE sessions ADD COLUMN door TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN until_ms BIGINT NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE sessions DROP COLUMN until_ms;
ALTER TABLE sessions DROP COLUMN door;
