-- +goose Up
-- What API keys may do, space-separated (empty: everything of their project), until when, who came after, and when they
-- were used last.
ALTER TABLE api_keys ADD COLUMN scopes TEXT NOT NULL DEFAULT '';
ALTER TABLE api_keys ADD COLUMN expires_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN used_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE api_keys ADD COLUMN successor TEXT NOT NULL DEFAULT '';

-- Public keys with which partners sign viewer tokens. One that was revoked is never taken again.
CREATE TABLE partner_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    project    TEXT   NOT NULL REFERENCES projects (id),
    name       TEXT   NOT NULL,
    public_key BLOB   NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL DEFAULT 0,
    UNIQUE (project, public_key)
);
CREATE INDEX partner_keys_by_project ON partner_keys (project, created_ms, id);
CREATE INDEX partner_keys_revoked ON partner_keys (revoked_ms);

-- Devices that are shared with other projects.
CREATE TABLE device_grants (
    id         TEXT   NOT NULL PRIMARY KEY,
    device     TEXT   NOT NULL REFERENCES devices (id),
    owner      TEXT   NOT NULL REFERENCES projects (id),
    viewer     TEXT   NOT NULL REFERENCES projects (id),
    rights     TEXT   NOT NULL,
    pays       TEXT   NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL DEFAULT 0,
    ended_ms   BIGINT NOT NULL DEFAULT 0,
    ended_by   TEXT   NOT NULL DEFAULT ''
);
CREATE INDEX device_grants_by_owner ON device_grants (owner, created_ms, id);
CREATE INDEX device_grants_by_viewer ON device_grants (viewer, created_ms, id);
CREATE INDEX device_grants_by_device ON device_grants (device, viewer);

-- A batch is one code for many devices.
ALTER TABLE enrolments ADD COLUMN device_count BIGINT NOT NULL DEFAULT 1;
ALTER TABLE enrolments ADD COLUMN made BIGINT NOT NULL DEFAULT 0;
ALTER TABLE enrolments ADD COLUMN models TEXT NOT NULL DEFAULT '';
UPDATE enrolments SET made = 1 WHERE used_ms <> 0;
CREATE TABLE enrolment_devices (
    enrolment TEXT   NOT NULL REFERENCES enrolments (id) ON DELETE CASCADE,
    device    TEXT   NOT NULL REFERENCES devices (id),
    used_ms   BIGINT NOT NULL,
    PRIMARY KEY (enrolment, device)
);
CREATE INDEX enrolment_devices_by_time ON enrolment_devices (enrolment, used_ms, device);
INSERT INTO enrolment_devices (enrolment, device, used_ms) SELECT id, device, used_ms FROM enrolments WHERE used_ms <> 0;

-- Whose device a session shows where that is another project's than the viewer's, and who pays for the relay where that
-- is not the viewer's project.
ALTER TABLE sessions ADD COLUMN device_project TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN payer TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_by_device_project ON sessions (device_project, created_ms, id) WHERE device_project <> '';

-- +goose Down
DROP INDEX sessions_by_device_project;
ALTER TABLE sessions DROP COLUMN payer;
ALTER TABLE sessions DROP COLUMN device_project;
DROP TABLE enrolment_devices;
ALTER TABLE enrolments DROP COLUMN models;
ALTER TABLE enrolments DROP COLUMN made;
ALTER TABLE enrolments DROP COLUMN device_count;
DROP TABLE device_grants;
DROP TABLE partner_keys;
ALTER TABLE api_keys DROP COLUMN successor;
ALTER TABLE api_keys DROP COLUMN used_ms;
ALTER TABLE api_keys DROP COLUMN expires_ms;
ALTER TABLE api_keys DROP COLUMN scopes;
