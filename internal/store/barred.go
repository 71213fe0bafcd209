package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"doorward/internal/account"
)

// barredKey is where meta notes that an operator disabled a user: a row of Django's, or of one that waits for his link, does not tell.
func barredKey(userID int64) string { return "barred " + strconv.FormatInt(userID, 10) }

// Barred reports whether an operator disabled a user.
func (q *queries) Barred(ctx context.Context, userID int64) (bool, error) {
	var value string
	err := q.row(ctx, `select value from meta where key = $1`, []any{barredKey(userID)}, &value)
	if errors.Is(err, account.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("read whether user %d is barred: %w", userID, err)
	}
	return true, nil
}

// Bar notes that an operator disabled a user, or let him in again.
func (q *queries) Bar(ctx context.Context, userID int64, barred bool) error {
	text := `delete from meta where key = $1`
	args := []any{barredKey(userID)}
	if barred {
		text, args = `insert into meta (key, value) values ($1, $2) on conflict (key) do nothing`, append(args, "")
	}
	if _, err := q.exec(ctx, text, args...); err != nil {
		return fmt.Errorf("note whether user %d is barred: %w", userID, err)
	}
	return nil
}
