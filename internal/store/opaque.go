package store

import (
	"context"
	"fmt"

	"doorward/internal/account"
)

const findOpaqueToken = `select user_id, hash, nonce, sealed, epoch, created_at from opaque_tokens where `

func opaqueDest(t *account.OpaqueToken) []any {
	return []any{&t.UserID, &t.Hash, &t.Nonce, &t.Sealed, &t.Epoch, intoTime{&t.Created}}
}

// OpaqueToken finds the token of a user.
func (q *queries) OpaqueToken(ctx context.Context, userID int64) (t account.OpaqueToken, err error) {
	if q.clearTokens {
		return q.clearToken(ctx, `user_id = cast($1 as bigint)`, userID)
	}
	if err := q.row(ctx, findOpaqueToken+`user_id = $1`, []any{userID}, opaqueDest(&t)...); err != nil {
		return account.OpaqueToken{}, fmt.Errorf("read the opaque token of user %d: %w", userID, err)
	}
	return t, nil
}

// OpaqueTokenByHash finds whose token has this hash.
func (q *queries) OpaqueTokenByHash(ctx context.Context, hash []byte) (t account.OpaqueToken, err error) {
	if err := q.row(ctx, findOpaqueToken+`hash = $1`, []any{hash}, opaqueDest(&t)...); err != nil {
		return account.OpaqueToken{}, fmt.Errorf("find an opaque token: %w", err)
	}
	return t, nil
}

// InsertOpaqueToken adds the token of a user who has none.
func (q *queries) InsertOpaqueToken(ctx context.Context, t *account.OpaqueToken) (bool, error) {
	if q.clearTokens {
		return q.insertClearToken(ctx, t)
	}
	inserted, err := q.exec(ctx, `insert into opaque_tokens (user_id, hash, nonce, sealed, epoch, created_at)
		values ($1, $2, $3, $4, $5, $6) on conflict (user_id) do nothing`,
		t.UserID, t.Hash, t.Nonce, t.Sealed, int64(t.Epoch), micros(t.Created))
	if err != nil {
		return false, fmt.Errorf("insert an opaque token of user %d: %w", t.UserID, err)
	}
	return inserted == 1, nil
}

// KeepOpaqueToken gives a token a new epoch.
func (q *queries) KeepOpaqueToken(ctx context.Context, userID int64, epoch uint32) error {
	if _, err := q.exec(ctx, `update opaque_tokens set epoch = $1 where user_id = $2`, int64(epoch), userID); err != nil {
		return fmt.Errorf("keep the opaque token of user %d: %w", userID, err)
	}
	return nil
}

// DeleteOpaqueToken takes the token of a user away.
func (q *queries) DeleteOpaqueToken(ctx context.Context, userID int64) (bool, error) {
	deleted, err := q.exec(ctx, `delete from opaque_tokens where user_id = $1`, userID)
	if err == nil && q.clearTokens {
		var clear int64
		clear, err = q.exec(ctx, endClearToken, userID)
		deleted += clear
	}
	if err != nil {
		return false, fmt.Errorf("delete the opaque token of user %d: %w", userID, err)
	}
	return deleted > 0, nil
}
