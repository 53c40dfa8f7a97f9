-- +goose Up
-- By which door a session's viewer came.
ALTER TABLE sessions ADD COLUMN door TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN door;
