package store

import (
	"context"
	"fmt"

	"doorward/internal/account"
)

// clearTable is that of rest_framework.authtoken: a user's token is its key, in clear. It is Django's table, which
// reads and writes it beside us.
const clearTable = "authtoken_token"

const (
	findClearToken   = `select user_id, "key", created from ` + clearTable + ` where `
	insertClearToken = `insert into ` + clearTable + ` ("key", created, user_id) values ($1, $2, $3) on conflict (user_id) do nothing`
	endClearToken    = `delete from ` + clearTable + ` where user_id = cast($1 as bigint)`
)

// KeepsClearTokens reports whether opaque tokens lie in a table of Django's, where whoever reads the database reads them.
func (d *DB) KeepsClearTokens() bool { return d.compiled.Load().clearTokens }

// ClearToken finds a token by its text.
func (q *queries) ClearToken(ctx context.Context, text string) (account.OpaqueToken, error) {
	if !q.clearTokens || text == "" || !storable(text) {
		return account.OpaqueToken{}, account.ErrNotFound
	}
	return q.clearToken(ctx, `"key" = $1`, text)
}

func (q *queries) clearToken(ctx context.Context, where string, arg any) (t account.OpaqueToken, err error) {
	if err := q.row(ctx, findClearToken+where, []any{arg}, &t.UserID, &t.Clear, intoTime{&t.Created}); err != nil {
		return account.OpaqueToken{}, fmt.Errorf("read an opaque token: %w", err)
	}
	return t, nil
}

func (q *queries) insertClearToken(ctx context.Context, t *account.OpaqueToken) (bool, error) {
	inserted, err := q.exec(ctx, insertClearToken, t.Clear, q.d.engine.stamp(t.Created), t.UserID)
	if err != nil {
		return false, fmt.Errorf("insert an opaque token of user %d: %w", t.UserID, err)
	}
	return inserted == 1, nil
}

// EndClearToken takes a token out of Django's table; where there is no such table there is none.
func (q *queries) EndClearToken(ctx context.Context, userID int64) error {
	if !q.clearTokens {
		return nil
	}
	if _, err := q.exec(ctx, endClearToken, userID); err != nil {
		return fmt.Errorf("delete the opaque token of user %d: %w", userID, err)
	}
	return nil
}
