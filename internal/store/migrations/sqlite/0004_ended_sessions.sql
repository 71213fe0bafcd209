-- +goose Up
-- For who remembers the sessions that ended. It ends with the id by itself.
create index sessions_ended on sessions (ended_at) where ended_at is not null;
