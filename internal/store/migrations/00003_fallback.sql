-- +goose Up
-- Why a connection is no WebSocket, as the device says; empty for one that is, and for those before this migration.
ALTER TABLE connections ADD COLUMN fallback_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE connections ADD COLUMN fallback_detail TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE connections DROP COLUMN fallback_detail;
ALTER TABLE connections DROP COLUMN fallback_reason;
