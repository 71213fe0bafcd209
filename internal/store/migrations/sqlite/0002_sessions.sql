-- +goose Up
create table sessions (
	id integer primary key, -- random
	user_id integer not null,
	mount text not null,
	mark integer, -- null: its tokens name it by id
	epoch integer not null,
	generation integer not null,
	created_at integer not null,
	rotated_at integer not null,
	expires_at integer not null,
	ended_at integer -- null: alive
);
-- It finds all sessions of a user too. Sessions without a mark do not clash: null is no value.
create unique index sessions_mark on sessions (user_id, mount, mark);
create index sessions_expiry on sessions (expires_at);
