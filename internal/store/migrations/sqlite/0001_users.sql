-- +goose Up
create table meta (
	key text primary key,
	value text not null
);

-- Times are microseconds since 1970 UTC. An id is never given out twice.
create table users (
	id integer primary key autoincrement,
	username text unique,
	email text,
	email_key text unique, -- what uniqueness of addresses is judged by, made in Go
	first_name text not null default '',
	last_name text not null default '',
	name text not null default '',
	phone text unique,
	password text not null,
	is_active integer not null check (is_active in (0, 1)),
	is_staff integer not null check (is_staff in (0, 1)),
	is_superuser integer not null check (is_superuser in (0, 1)),
	jwt_secret text not null, -- 32 hex digits
	last_login integer,
	date_joined integer not null
);
create index users_email on users (email);

-- Our own state of users, also of those in a table of Django's: so it refers to none.
create table user_states (
	user_id integer primary key,
	epoch integer not null,
	signed_out_at integer not null
);
