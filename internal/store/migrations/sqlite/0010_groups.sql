-- +goose Up
-- What people may do, beside a table of users of ours, or of Django's where its own tables for it are not
-- there: so these refer to no table. An id is never given out twice.
create table groups (
	id integer primary key autoincrement,
	name text not null unique
);

-- A permission is asked for as app_label.codename; its name is for people.
create table permissions (
	id integer primary key autoincrement,
	app_label text not null,
	codename text not null,
	name text not null,
	unique (app_label, codename)
);

create table group_permissions (
	group_id integer not null,
	permission_id integer not null,
	primary key (group_id, permission_id)
);
create index group_permissions_permission on group_permissions (permission_id);

create table user_groups (
	user_id integer not null,
	group_id integer not null,
	primary key (user_id, group_id)
);
create index user_groups_group on user_groups (group_id, user_id);

create table user_permissions (
	user_id integer not null,
	permission_id integer not null,
	primary key (user_id, permission_id)
);
create index user_permissions_permission on user_permissions (permission_id);
