-- +goose Up
-- Requests that came with an idempotency key. run is the execution that may write, since claimed_ms; written says that one
-- has; done that the request was answered, with an answer that only its API key opens, or with none that was kept.
CREATE TABLE claims (
    project    TEXT    NOT NULL REFERENCES projects (id),
    name       TEXT    NOT NULL,
    request    BLOB    NOT NULL,
    salt       BLOB    NOT NULL,
    run        TEXT    NOT NULL,
    created_ms BIGINT  NOT NULL,
    claimed_ms BIGINT  NOT NULL,
    written    BOOLEAN NOT NULL DEFAULT FALSE,
    done       BOOLEAN NOT NULL DEFAULT FALSE,
    answer     BLOB,
    PRIMARY KEY (project, name)
);
CREATE INDEX claims_by_time ON claims (project, created_ms);

-- +goose Down
DROP TABLE claims;
