-- +goose Up
-- What a project may use besides bytes: time on the relay in a month, sessions at once, 0 is no bound; and whether the relay is
-- paid with points.
ALTER TABLE projects ADD COLUMN relay_budget_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN max_sessions INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN prepaid BOOLEAN NOT NULL DEFAULT FALSE;

-- How long sessions went through the relay.
ALTER TABLE relay_months ADD COLUMN relay_ms BIGINT NOT NULL DEFAULT 0;

-- What a project has: the sums of its entries in the ledger, kept beside them. Points are in millionths.
CREATE TABLE purses (
    project    TEXT   NOT NULL PRIMARY KEY REFERENCES projects (id),
    balance    BIGINT NOT NULL DEFAULT 0 CHECK (balance >= 0),
    held       BIGINT NOT NULL DEFAULT 0 CHECK (held >= 0 AND held <= balance),
    held_bytes BIGINT NOT NULL DEFAULT 0 CHECK (held_bytes >= 0),
    filled     BIGINT NOT NULL DEFAULT 0,
    fills      BIGINT NOT NULL DEFAULT 0,
    entries    BIGINT NOT NULL DEFAULT 0
);

-- Rows are only ever added.
CREATE TABLE ledger (
    project    TEXT   NOT NULL REFERENCES projects (id),
    seq        BIGINT NOT NULL,
    kind       TEXT   NOT NULL,
    at_ms      BIGINT NOT NULL,
    amount     BIGINT NOT NULL,
    balance    BIGINT NOT NULL,
    held       BIGINT NOT NULL,
    absorbed   BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    time_ms    BIGINT NOT NULL,
    session    TEXT   NOT NULL,
    allocation TEXT   NOT NULL,
    reference  TEXT   NOT NULL,
    note       TEXT   NOT NULL,
    PRIMARY KEY (project, seq)
);
CREATE INDEX ledger_by_session ON ledger (project, session, seq) WHERE session <> '';
CREATE UNIQUE INDEX ledger_by_reference ON ledger (project, reference) WHERE reference <> '';

-- What is held for an allocation, or for the time of a session, until it is settled or its time is over.
CREATE TABLE reservations (
    owner      TEXT   NOT NULL PRIMARY KEY,
    project    TEXT   NOT NULL REFERENCES projects (id),
    session    TEXT   NOT NULL,
    allocation TEXT   NOT NULL,
    points     BIGINT NOT NULL,
    bytes      BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX reservations_by_expiry ON reservations (expires_ms);
CREATE INDEX reservations_by_project ON reservations (project, expires_ms);

-- What was told of a budget in a period: a month, or for points the number of the grant that filled the purse.
CREATE TABLE budget_marks (
    project TEXT NOT NULL REFERENCES projects (id),
    budget  TEXT NOT NULL,
    period  TEXT NOT NULL,
    level   TEXT NOT NULL,
    PRIMARY KEY (project, budget, period, level)
);

-- +goose Down
DROP TABLE budget_marks;
DROP TABLE reservations;
DROP TABLE ledger;
DROP TABLE purses;
ALTER TABLE relay_months DROP COLUMN relay_ms;
ALTER TABLE projects DROP COLUMN prepaid;
ALTER TABLE projects DROP COLUMN max_sessions;
ALTER TABLE projects DROP COLUMN relay_budget_ms;
