-- +goose Up
-- One a user. A token itself rests nowhere: it is made from the nonce with a key that is not in
-- the database, or, where another program made it, lies sealed.
create table opaque_tokens (
	user_id integer primary key,
	hash blob not null unique, -- SHA-256 of the token
	nonce blob,
	sealed blob,
	epoch integer not null,
	created_at integer not null
);
