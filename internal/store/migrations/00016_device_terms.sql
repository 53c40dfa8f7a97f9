-- +goose Up
-- How a device's sessions may go: JSON, empty where it is as the project says.
ALTER TABLE devices ADD COLUMN terms TEXT NOT NULL DEFAULT '';
CREATE INDEX devices_with_terms ON devices (id) WHERE terms <> '';

-- +goose Down
DROP INDEX devices_with_terms;
ALTER TABLE devices DROP COLUMN terms;
