-- +goose Up
-- For staff that looks for people: the few who are staff, the few who are not active, and those who joined at some time.
create index users_staff on users (id) where is_staff;
create index users_inactive on users (id) where not is_active;
create index users_joined on users (date_joined, id);
-- Texts compare byte by byte, as on SQLite, so that the unique index finds them by how they begin too. Their indexes
-- are made again, the table is not.
alter table users alter column email_key type text collate "C", alter column username type text collate "C";
