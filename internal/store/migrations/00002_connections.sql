-- +goose Up
-- The last sockets of each device. Those of one link follow each other in time, links by their generation.
CREATE TABLE connections (
    id         TEXT    NOT NULL PRIMARY KEY,
    device     TEXT    NOT NULL REFERENCES devices (id),
    link       TEXT    NOT NULL,
    generation BIGINT  NOT NULL,
    address    TEXT    NOT NULL,
    transport  TEXT    NOT NULL,
    program    TEXT    NOT NULL,
    version    TEXT    NOT NULL,
    model      TEXT    NOT NULL,
    opened_ms  BIGINT  NOT NULL,
    closed_ms  BIGINT  NOT NULL,
    cause      TEXT    NOT NULL,
    detail     TEXT    NOT NULL,
    bye        BOOLEAN NOT NULL
);
CREATE INDEX connections_by_device ON connections (device, generation, opened_ms, id);
CREATE INDEX connections_open ON connections (id) WHERE closed_ms = 0;

-- +goose Down
DROP TABLE connections;
