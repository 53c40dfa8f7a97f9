-- +goose Up
-- What a project may use of the relay; 0 is no bound.
ALTER TABLE projects ADD COLUMN relay_budget_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN relay_max_kbps INTEGER NOT NULL DEFAULT 0;

-- Whose an allocation is; empty where that is its grant's session's project.
ALTER TABLE relay_usage ADD COLUMN project TEXT NOT NULL DEFAULT '';

-- What went through the relay by month (YYYY-MM, UTC). It outlives the allocations, which are deleted with their sessions.
CREATE TABLE relay_months (
    project      TEXT   NOT NULL,
    month        TEXT   NOT NULL,
    up_bytes     BIGINT NOT NULL,
    up_packets   BIGINT NOT NULL,
    down_bytes   BIGINT NOT NULL,
    down_packets BIGINT NOT NULL,
    PRIMARY KEY (project, month)
);

-- +goose Down
DROP TABLE relay_months;
ALTER TABLE relay_usage DROP COLUMN project;
ALTER TABLE projects DROP COLUMN relay_max_kbps;
ALTER TABLE projects DROP COLUMN relay_budget_bytes;
