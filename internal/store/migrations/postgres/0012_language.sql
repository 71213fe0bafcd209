-- +goose Up

-- Of the user's mails; '' where nothing is said.
alter table users add column language text not null default '';
