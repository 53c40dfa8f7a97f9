-- +goose Up
-- What the events have told of a device: its presence (empty is offline) of which generation and since when, and the last alert.
ALTER TABLE devices ADD COLUMN presence TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN presence_generation BIGINT NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN presence_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE devices ADD COLUMN alerted_ms BIGINT NOT NULL DEFAULT 0;
CREATE INDEX devices_present ON devices (presence) WHERE presence <> '';

-- What the usage reports have told of a day's row, and until when they have told of a project.
ALTER TABLE path_days ADD COLUMN told_sessions BIGINT NOT NULL DEFAULT 0;
ALTER TABLE path_days ADD COLUMN told_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE path_days ADD COLUMN told_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE path_days ADD COLUMN told_relay_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN reported_ms BIGINT NOT NULL DEFAULT 0;

-- What came before there were reports belongs into none.
UPDATE path_days SET told_sessions = sessions, told_ms = time_ms, told_bytes = bytes, told_relay_bytes = relay_bytes;
CREATE INDEX path_days_unreported ON path_days (project)
    WHERE device = '' AND (sessions <> told_sessions OR time_ms <> told_ms OR bytes <> told_bytes OR relay_bytes <> told_relay_bytes);

-- +goose Down
DROP INDEX path_days_unreported;
ALTER TABLE projects DROP COLUMN reported_ms;
ALTER TABLE path_days DROP COLUMN told_relay_bytes;
ALTER TABLE path_days DROP COLUMN told_bytes;
ALTER TABLE path_days DROP COLUMN told_ms;
ALTER TABLE path_days DROP COLUMN told_sessions;
DROP INDEX devices_present;
ALTER TABLE devices DROP COLUMN alerted_ms;
ALTER TABLE devices DROP COLUMN presence_ms;
ALTER TABLE devices DROP COLUMN presence_generation;
ALTER TABLE devices DROP COLUMN presence;
