-- +goose Up
-- A refresh changes its row in place where the page has room: with a tenth left free all do, from the
-- first (docs/capacity.md). Pages that are full already get theirs when rows leave them.
alter table sessions set (fillfactor = 90);
