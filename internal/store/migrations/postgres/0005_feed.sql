-- +goose Up
-- What was committed lately of all that nodes remember: of a user, of a session that ended, or with
-- neither of anything (the signing keys, say). Triggers write it, so that no writer forgets to.
create table feed (
	txid xid8 not null default pg_current_xact_id(), -- readers ask which transactions they have seen
	user_id bigint not null default 0,
	session_id bigint not null default 0,
	at bigint not null default extract(epoch from clock_timestamp()) * 1000000,
	primary key (txid, user_id, session_id)
);
create index feed_user on feed (user_id);
create index feed_at on feed (at);

-- The nodes that remember, and what each has seen. A node that finds itself struck off begins anew.
create table nodes (
	instance text primary key,
	seen pg_snapshot not null,
	at bigint not null default extract(epoch from clock_timestamp()) * 1000000
);
create index nodes_at on nodes (at);

-- +goose StatementBegin
create function feed_user() returns trigger language plpgsql set search_path from current as $$
begin
	insert into feed (user_id) values (old.id) on conflict do nothing;
	-- Notifying commits wait for each other, so a sign-in, which stamps its user, does not notify.
	if tg_op = 'DELETE' or (new.is_active, new.jwt_secret) is distinct from (old.is_active, old.jwt_secret) then
		perform pg_notify('doorward_feed', '');
	end if;
	return null;
end $$;
-- +goose StatementEnd
create trigger feed_user after update or delete on users for each row execute function feed_user();

-- +goose StatementBegin
create function feed_state() returns trigger language plpgsql set search_path from current as $$
begin
	insert into feed (user_id) values (case when tg_op = 'DELETE' then old.user_id else new.user_id end)
		on conflict do nothing;
	perform pg_notify('doorward_feed', '');
	return null;
end $$;
-- +goose StatementEnd
create trigger feed_state after insert or update or delete on user_states for each row execute function feed_state();

-- +goose StatementBegin
create function feed_session() returns trigger language plpgsql set search_path from current as $$
begin
	insert into feed (session_id) values (old.id) on conflict do nothing;
	perform pg_notify('doorward_feed', '');
	return null;
end $$;
-- +goose StatementEnd
create trigger feed_session_end after update of ended_at on sessions for each row
	when (old.ended_at is null and new.ended_at is not null) execute function feed_session();
-- Sweeping deletes what is over.
create trigger feed_session_delete after delete on sessions for each row
	when (old.ended_at is null and old.expires_at > extract(epoch from clock_timestamp()) * 1000000)
	execute function feed_session();

-- +goose StatementBegin
create function feed_keys() returns trigger language plpgsql set search_path from current as $$
begin
	insert into feed default values on conflict do nothing;
	perform pg_notify('doorward_feed', '');
	return null;
end $$;
-- +goose StatementEnd
create trigger feed_keys after insert or update or delete on signing_keys for each statement execute function feed_keys();

-- A list of ended sessions in the order of their time can lose one that is committed late.
drop index sessions_ended;
