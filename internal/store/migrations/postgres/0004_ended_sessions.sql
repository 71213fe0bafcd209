-- +goose Up
-- For who remembers the sessions that ended.
create index sessions_ended on sessions (ended_at, id) where ended_at is not null;
