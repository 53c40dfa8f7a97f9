-- +goose Up
-- What a device last told of its network, in JSON; empty before it has.
ALTER TABLE devices ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN network_ms BIGINT NOT NULL DEFAULT 0;

-- How a session's media went, in JSON; empty for test sessions, and for those before this migration.
ALTER TABLE sessions ADD COLUMN account TEXT NOT NULL DEFAULT '';

-- Whose device an allocation serves; empty while no session has its grant.
ALTER TABLE relay_usage ADD COLUMN device TEXT NOT NULL DEFAULT '';

-- How media went by project, device, day (YYYY-MM-DD, UTC) and means. It outlives the sessions. Under an empty device is
-- the sum of the project, with what the relay carried for nobody's session. An empty means is sessions without a path.
CREATE TABLE path_days (
    project      TEXT   NOT NULL,
    device       TEXT   NOT NULL,
    day          TEXT   NOT NULL,
    means        TEXT   NOT NULL,
    sessions     BIGINT NOT NULL DEFAULT 0,
    time_ms      BIGINT NOT NULL DEFAULT 0,
    bytes        BIGINT NOT NULL DEFAULT 0,
    beyond_ms    BIGINT NOT NULL DEFAULT 0,
    beyond_bytes BIGINT NOT NULL DEFAULT 0,
    relay_bytes  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (project, device, day, means)
);
CREATE INDEX path_days_by_day ON path_days (day);

-- What happened, in an order of its own for each project. The numbers of a project have no gaps.
ALTER TABLE projects ADD COLUMN events BIGINT NOT NULL DEFAULT 0;
CREATE TABLE events (
    project TEXT   NOT NULL REFERENCES projects (id),
    seq     BIGINT NOT NULL,
    id      TEXT   NOT NULL UNIQUE,
    kind    TEXT   NOT NULL,
    at_ms   BIGINT NOT NULL,
    device  TEXT   NOT NULL,
    session TEXT   NOT NULL,
    data    TEXT   NOT NULL,
    PRIMARY KEY (project, seq)
);
CREATE INDEX events_by_time ON events (at_ms);

-- +goose Down
DROP TABLE events;
ALTER TABLE projects DROP COLUMN events;
DROP TABLE path_days;
ALTER TABLE relay_usage DROP COLUMN device;
ALTER TABLE sessions DROP COLUMN account;
ALTER TABLE devices DROP COLUMN network_ms;
ALTER TABLE devices DROP COLUMN network;
