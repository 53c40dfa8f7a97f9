-- +goose Up
-- How a project's sessions may go; the server's own settings count where the path is empty, the delay NULL, the time 0.
ALTER TABLE projects ADD COLUMN path TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN relay_delay_ms INTEGER;
ALTER TABLE projects ADD COLUMN max_relay_s INTEGER NOT NULL DEFAULT 0;

-- The same of a session, as its viewer's token says it: JSON, empty where it says nothing.
ALTER TABLE sessions ADD COLUMN terms TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE sessions DROP COLUMN terms;
ALTER TABLE projects DROP COLUMN max_relay_s;
ALTER TABLE projects DROP COLUMN relay_delay_ms;
ALTER TABLE projects DROP COLUMN path;
