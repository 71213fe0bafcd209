-- +goose Up
create table sessions (
	id bigint primary key, -- random
	user_id bigint not null,
	mount text not null,
	mark bigint, -- null: its tokens name it by id
	epoch bigint not null,
	generation bigint not null,
	created_at bigint not null,
	rotated_at bigint not null,
	expires_at bigint not null,
	ended_at bigint -- null: alive
);
-- It finds all sessions of a user too. Sessions without a mark do not clash: null is no value.
create unique index sessions_mark on sessions (user_id, mount, mark);
create index sessions_expiry on sessions (expires_at);
