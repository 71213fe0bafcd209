-- +goose Up
create table outbox (
	id integer primary key,
	user_id integer not null,
	occasion text not null,
	sealed blob, -- the message; null once it needs no sending any more
	state integer not null check (state between 1 and 3), -- waiting, sent, failed
	tries integer not null,
	created_at integer not null,
	due_at integer not null, -- when it is tried next; of a claimed one, when its claim ends
	settled_at integer, -- sent or given up
	answer text not null -- the server's last words, or the reason of the failure
);
create index outbox_due on outbox (due_at) where state = 1;
create index outbox_settled on outbox (settled_at) where state <> 1;
create index outbox_user on outbox (user_id);
