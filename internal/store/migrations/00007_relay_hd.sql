-- +goose Up
-- Whether the best rendition of a project's cameras may go over the relay: yes, no, or empty where the server's own setting counts.
ALTER TABLE projects ADD COLUMN relay_hd TEXT NOT NULL DEFAULT '';

-- +goose Down
ALTER TABLE projects DROP COLUMN relay_hd;
