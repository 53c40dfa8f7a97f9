-- +goose Up
-- Endpoints of partners. Events up to served, but for the numbers in open (JSON), are delivered, or have a row below.
CREATE TABLE webhooks (
    id            TEXT   PRIMARY KEY,
    project       TEXT   NOT NULL REFERENCES projects (id),
    url           TEXT   NOT NULL,
    name          TEXT   NOT NULL,
    kinds         TEXT   NOT NULL,
    state         TEXT   NOT NULL,
    since_ms      BIGINT NOT NULL,
    secret        BLOB   NOT NULL,
    old_secret    BLOB,
    old_until_ms  BIGINT NOT NULL,
    seed          BLOB   NOT NULL,
    version       BIGINT NOT NULL,
    created_ms    BIGINT NOT NULL,
    served        BIGINT NOT NULL,
    open          TEXT   NOT NULL DEFAULT '[]',
    failing_ms    BIGINT NOT NULL DEFAULT 0,
    missed        BIGINT NOT NULL DEFAULT 0,
    succeeded     BIGINT NOT NULL DEFAULT 0,
    failed        BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX webhooks_by_project ON webhooks (project, created_ms, id);

-- Events that failed, or that wait behind one of their device that did.
CREATE TABLE webhook_waiting (
    webhook  TEXT   NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    seq      BIGINT NOT NULL,
    event    TEXT   NOT NULL,
    device   TEXT   NOT NULL,
    attempts INTEGER NOT NULL,
    due_ms   BIGINT NOT NULL,
    next_ms  BIGINT NOT NULL,
    PRIMARY KEY (webhook, seq)
);

-- Dead letters: events by their numbers, both ends included. Those of kinds that the endpoint does not want count for nothing.
CREATE TABLE webhook_dead (
    webhook   TEXT   NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    first_seq BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL,
    PRIMARY KEY (webhook, first_seq)
);

-- Events that are to be sent again.
CREATE TABLE webhook_replays (
    id        TEXT   PRIMARY KEY,
    webhook   TEXT   NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    first_seq BIGINT NOT NULL,
    last_seq  BIGINT NOT NULL
);
CREATE INDEX webhook_replays_by_webhook ON webhook_replays (webhook, id);

-- The last attempts of each endpoint: a slot is used again when all others have been.
CREATE TABLE webhook_deliveries (
    webhook  TEXT    NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    ok       BOOLEAN NOT NULL,
    slot     INTEGER NOT NULL,
    number   BIGINT  NOT NULL,
    event    TEXT    NOT NULL,
    seq      BIGINT  NOT NULL,
    kind     TEXT    NOT NULL,
    device   TEXT    NOT NULL,
    attempt  INTEGER NOT NULL,
    at_ms    BIGINT  NOT NULL,
    took_ms  BIGINT  NOT NULL,
    status   INTEGER NOT NULL,
    err      TEXT    NOT NULL,
    response TEXT    NOT NULL,
    PRIMARY KEY (webhook, ok, slot)
);

-- +goose Down
DROP TABLE webhook_deliveries;
DROP TABLE webhook_replays;
DROP TABLE webhook_dead;
DROP TABLE webhook_waiting;
DROP TABLE webhooks;
