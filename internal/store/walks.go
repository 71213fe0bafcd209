package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"

	"doorward/internal/account"
)

// textIndexes says which fields can be found by how they begin, and where that is looked for: in our own table, whose
// columns compare byte by byte (migration 0011), and in one of Django's on SQLite, where every index does.
func (d *DB) textIndexes(m *account.Model, live table) map[account.Field]account.Field {
	found := map[account.Field]account.Field{}
	for _, f := range []account.Field{account.Email, account.Username} {
		by := f
		if f == account.Email && m.Has(account.EmailKey) && m.EmailUnique != account.NotUnique {
			by = account.EmailKey
		}
		col, ok := m.Column(by)
		indexed := !m.Django && (by == account.EmailKey || by == account.Username)
		for _, columns := range live.unique {
			indexed = indexed || d.engine.name == SQLite && slices.Equal(columns, []string{col.Name})
		}
		if ok && indexed {
			found[f] = by
		}
	}
	return found
}

// writeWalks puts the statements of account.Walk together. In an adopted table there are no indexes of ours.
func (c *compiled) writeWalks(find, table, id string) {
	column := func(f account.Field) string {
		col, _ := c.model.Column(f)
		return "u." + quote(col.Name)
	}
	some := " from " + table + " where " + c.compare(account.ID, ">", 1) + " order by " + id + " limit $2"
	password, _ := c.model.Column(account.Password)
	c.ids, c.hashes = "select "+id+some, "select "+quote(password.Name)+some
	c.walks = map[account.Field]string{}
	after := "u." + c.compare(account.ID, ">", 1) + " order by u." + id + " limit $2"
	c.walks[account.ID] = find + after
	for f, by := range c.byText {
		text := column(by)
		c.walks[f] = find + text + " >= $1 and " + text + " > $2 and " + text + " < $3 order by " + text + " limit $4"
	}
	if c.model.Django {
		return
	}
	c.walks[account.IsStaff] = find + column(account.IsStaff) + " and " + after
	c.walks[account.IsActive] = find + "not " + column(account.IsActive) + " and " + after
	joined := column(account.DateJoined)
	c.walks[account.DateJoined] = find + "(" + joined + ", u." + id + ") > ($1, $2) and " + joined + " < $3 order by " + joined + ", u." + id + " limit $4"
}

// UserIDs lists ids.
func (q *queries) UserIDs(ctx context.Context, after int64, limit int) ([]int64, error) {
	return q.listIDs(ctx, q.ids, "users", after, limit)
}

// Passwords lists stored passwords.
func (q *queries) Passwords(ctx context.Context, after int64, limit int) (hashes []string, err error) {
	err = q.each(ctx, q.hashes, []any{after, min(max(limit, 0), maxUsers)}, func(rows *sql.Rows) error {
		var hash sql.NullString
		err := rows.Scan(&hash)
		hashes = append(hashes, hash.String)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the passwords after %d: %w", after, err)
	}
	return hashes, nil
}

// listIDs lists what a statement finds after an id.
func (q *queries) listIDs(ctx context.Context, text, what string, after int64, limit int) (ids []int64, err error) {
	err = q.each(ctx, text, []any{after, min(max(limit, 0), maxUsers)}, func(rows *sql.Rows) error {
		var id int64
		err := rows.Scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list the ids of %s after %d: %w", what, after, err)
	}
	return ids, nil
}

// lastText is behind every text that begins with what it is put behind.
const lastText = "\U0010ffff"

// lastMicros is later than any time.
const lastMicros = 1<<63 - 1

// Walk lists users in the order of an index.
func (q *queries) Walk(ctx context.Context, w account.Walk, limit int) ([]account.User, error) {
	text, ok := q.walks[w.By]
	if !ok {
		return nil, account.ErrNoIndex
	}
	var args []any
	switch w.By {
	case account.Email, account.Username:
		prefix := w.Prefix
		if w.By == account.Email && q.byText[w.By] == account.EmailKey {
			prefix = q.emailKey(prefix)
		}
		if !storable(prefix) || !storable(w.After.Text) {
			return nil, nil
		}
		args = []any{prefix, w.After.Text, prefix + lastText}
	case account.DateJoined:
		from, until := int64(-lastMicros), int64(lastMicros)
		var id int64
		if !w.From.IsZero() {
			from = micros(w.From)
		}
		if w.After.ID != 0 {
			from, id = micros(w.After.Joined), w.After.ID
		}
		if !w.Until.IsZero() {
			until = micros(w.Until)
		}
		args = []any{from, id, until}
	default:
		args = []any{w.After.ID}
	}
	users, err := q.list(ctx, text, limit, args...)
	if err != nil {
		return nil, fmt.Errorf("list users by %s: %w", w.By, err)
	}
	return users, nil
}
