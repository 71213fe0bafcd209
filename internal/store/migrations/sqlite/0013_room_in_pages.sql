-- +goose Up
-- Nothing: SQLite changes a row in its place. The step is PostgreSQL's.
select 1;
