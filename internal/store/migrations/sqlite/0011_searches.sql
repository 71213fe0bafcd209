-- +goose Up
-- For staff that looks for people: the few who are staff, the few who are not active, and those who joined at some time.
create index users_staff on users (id) where is_staff;
create index users_inactive on users (id) where not is_active;
create index users_joined on users (date_joined, id);
