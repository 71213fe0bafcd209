-- +goose Up
create table signing_keys (
	id text primary key,
	sealed blob not null,
	state integer not null check (state between 1 and 4), -- next, active, retired, revoked
	created_at integer not null,
	until_at integer -- a retired key is accepted until then
);
create unique index signing_keys_active on signing_keys (state) where state = 2;
