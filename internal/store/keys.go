package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// maxKeys is how many keys are read; there are a handful.
const maxKeys = 1000

// keyStates are the states by the numbers that rows hold; an index counts on 2 being Active.
var keyStates = []token.KeyState{1: token.Next, 2: token.Active, 3: token.Retired, 4: token.Revoked}

func stateNumber(s token.KeyState) int { return slices.Index(keyStates, s) }

// SigningKeys reads all keys, the oldest first.
func (q *queries) SigningKeys(ctx context.Context) ([]account.StoredKey, error) {
	var keys []account.StoredKey
	err := q.each(ctx, `select id, sealed, state, created_at, until_at from signing_keys order by id limit $1`,
		[]any{maxKeys}, func(rows *sql.Rows) error {
			var k account.StoredKey
			var state int
			if err := rows.Scan(&k.ID, &k.Sealed, &state, intoTime{&k.Created}, intoTime{&k.Until}); err != nil {
				return err
			}
			if state < 1 || state >= len(keyStates) {
				return fmt.Errorf("key %s has the unknown state %d", k.ID, state)
			}
			k.State = keyStates[state]
			keys = append(keys, k)
			return nil
		})
	if err != nil {
		return nil, fmt.Errorf("read the signing keys: %w", err)
	}
	slices.SortStableFunc(keys, func(a, b account.StoredKey) int { return a.Created.Compare(b.Created) })
	return keys, nil
}

// InsertSigningKey adds a key. A second active one is a *account.TakenError.
func (q *queries) InsertSigningKey(ctx context.Context, k *account.StoredKey) error {
	_, err := q.exec(ctx, `insert into signing_keys (id, sealed, state, created_at, until_at) values ($1, $2, $3, $4, $5)`,
		k.ID, k.Sealed, stateNumber(k.State), micros(k.Created), orNull(k.Until))
	if err != nil {
		return fmt.Errorf("insert signing key %s: %w", k.ID, err)
	}
	return nil
}

// MoveSigningKey changes a key's state. A second active one is a *account.TakenError.
func (q *queries) MoveSigningKey(ctx context.Context, id string, from, to token.KeyState, until time.Time) (bool, error) {
	changed, err := q.exec(ctx, `update signing_keys set state = $1, until_at = $2 where id = $3 and state = $4`,
		stateNumber(to), orNull(until), id, stateNumber(from))
	if err != nil {
		return false, fmt.Errorf("move signing key %s: %w", id, err)
	}
	return changed == 1, nil
}
