-- +goose Up
-- One process serves an SQLite file, and sees what others change: it needs no feed.
drop index sessions_ended;
