-- +goose Up

-- What the declaration of fields changed of the schema: numbered, and with its way back. A row without a
-- column is about its table.
create table field_changes (
	number bigint primary key,
	table_name text not null,
	column_name text not null,
	action text not null,
	statement text not null,
	reverse text not null,
	made_at bigint not null,
	undone_by bigint, -- the number of the change that took this one back
	undoes bigint
);
