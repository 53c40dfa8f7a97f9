-- +goose Up
-- How a device's sessions may go: JSON, empty where it is as the project says.
ALTER TABLE devices ADD COLUMN terms TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE devices DROP COLUMN terms;
