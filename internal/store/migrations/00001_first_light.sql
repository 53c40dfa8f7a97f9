-- Times are milliseconds since 1970 in UTC; 0 is "not yet" or "never".

-- +goose Up
CREATE TABLE projects (
    id         TEXT   NOT NULL PRIMARY KEY,
    name       TEXT   NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE signing_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    seed       BLOB   NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE relay_secrets (
    id         TEXT   NOT NULL PRIMARY KEY,
    secret     BLOB   NOT NULL,
    created_ms BIGINT NOT NULL
);

CREATE TABLE api_keys (
    id         TEXT   NOT NULL PRIMARY KEY,
    project    TEXT   NOT NULL REFERENCES projects (id),
    name       TEXT   NOT NULL,
    hash       BLOB   NOT NULL,
    created_ms BIGINT NOT NULL,
    revoked_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX api_keys_by_project ON api_keys (project, created_ms, id);
CREATE INDEX api_keys_revoked ON api_keys (revoked_ms) WHERE revoked_ms <> 0;

CREATE TABLE devices (
    id           TEXT   NOT NULL PRIMARY KEY,
    project      TEXT   NOT NULL REFERENCES projects (id),
    name         TEXT   NOT NULL,
    model        TEXT   NOT NULL,
    public_key   BLOB   NOT NULL UNIQUE,
    generation   BIGINT NOT NULL DEFAULT 0,
    created_ms   BIGINT NOT NULL,
    last_seen_ms BIGINT NOT NULL DEFAULT 0,
    revoked_ms   BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX devices_by_project ON devices (project, created_ms, id);

CREATE TABLE enrolments (
    id         TEXT   NOT NULL PRIMARY KEY,
    project    TEXT   NOT NULL REFERENCES projects (id),
    name       TEXT   NOT NULL,
    hash       BLOB   NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    device     TEXT   NOT NULL DEFAULT '',
    used_ms    BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX enrolments_by_project ON enrolments (project, created_ms, id);

CREATE TABLE sessions (
    id           TEXT    NOT NULL PRIMARY KEY,
    kind         TEXT    NOT NULL,
    project      TEXT    NOT NULL REFERENCES projects (id),
    device       TEXT    NOT NULL,
    api_key      TEXT    NOT NULL,
    viewer       TEXT    NOT NULL,
    rights       TEXT    NOT NULL,
    owner        BLOB    NOT NULL,
    video        INTEGER NOT NULL,
    audio        INTEGER NOT NULL,
    talk         INTEGER NOT NULL,
    viewer_grant TEXT    NOT NULL,
    device_grant TEXT    NOT NULL,
    created_ms   BIGINT  NOT NULL,
    expires_ms   BIGINT  NOT NULL,
    answered_ms  BIGINT  NOT NULL,
    ended_ms     BIGINT  NOT NULL,
    reason       TEXT    NOT NULL,
    path         TEXT    NOT NULL
);
CREATE INDEX sessions_by_project ON sessions (project, created_ms, id);
CREATE INDEX sessions_by_device ON sessions (device, created_ms, id);
CREATE INDEX sessions_open ON sessions (kind) WHERE ended_ms = 0;
CREATE INDEX sessions_ended ON sessions (ended_ms) WHERE ended_ms <> 0;

-- Every relay grant that a session ever had: it gets new ones when a hub restarts.
CREATE TABLE session_grants (
    grant_id TEXT NOT NULL PRIMARY KEY,
    session  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    role     TEXT NOT NULL
);
CREATE INDEX session_grants_by_session ON session_grants (session);

-- One row per relay allocation. No reference to session_grants: an allocation may be counted before its session opens.
CREATE TABLE relay_usage (
    allocation   TEXT   NOT NULL PRIMARY KEY,
    grant_id     TEXT   NOT NULL,
    role         TEXT   NOT NULL,
    transport    TEXT   NOT NULL,
    up_bytes     BIGINT NOT NULL,
    up_packets   BIGINT NOT NULL,
    down_bytes   BIGINT NOT NULL,
    down_packets BIGINT NOT NULL,
    started_ms   BIGINT NOT NULL,
    updated_ms   BIGINT NOT NULL,
    ended_ms     BIGINT NOT NULL
);
CREATE INDEX relay_usage_by_grant ON relay_usage (grant_id);
CREATE INDEX relay_usage_by_update ON relay_usage (updated_ms);

-- +goose Down
DROP TABLE relay_usage;
DROP TABLE session_grants;
DROP TABLE sessions;
DROP TABLE enrolments;
DROP TABLE devices;
DROP TABLE api_keys;
DROP TABLE relay_secrets;
DROP TABLE signing_keys;
DROP TABLE projects;
