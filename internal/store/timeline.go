package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"doorward/internal/account"
)

// statement is a text with what goes in.
type statement struct {
	text string
	args []any
}

// endTimeline makes of a copy another database than the one it was copied from.
func (r *restore) endTimeline(ctx context.Context, d *DB) (err error) {
	pool := openSQLitePool(d.path, 1, busyMillis)
	defer func() { err = errors.Join(err, pool.Close()) }()
	tx, err := pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var all []statement
	for _, name := range r.own {
		if slices.Contains(emptied, name) {
			all = append(all, statement{text: `delete from ` + quote(name)})
		}
	}
	all = append(all, statement{`update meta set value = $1 where key = 'instance'`, []any{rand.Text()}})
	c := d.compiled.Load()
	all = append(all, c.signOutAll(r.Now, d.engine.newSecret)...)
	for _, s := range all {
		if _, err := tx.ExecContext(ctx, s.text, s.args...); err != nil {
			return err
		}
	}
	if c.model.Django {
		if err := c.renewSecrets(ctx, tx); err != nil {
			return err
		}
	}
	if err := tx.QueryRowContext(ctx, `select count(*) from `+quote(c.model.Table)).Scan(&r.done.Users); err != nil {
		return err
	}
	return tx.Commit()
}

// signOutAll are the statements that sign every user out, as RaiseEpoch does one. In a table of Django's
// they draw the secrets that sign tokens anew, where the engine can.
func (c *compiled) signOutAll(now time.Time, newSecret string) []statement {
	table, id := quote(c.model.Table), quote(c.id)
	all := []statement{{`insert into user_states (user_id, epoch, signed_out_at) select ` + id + `, 1, cast($1 as bigint) from ` + table + ` where true
		on conflict (user_id) do update set epoch = user_states.epoch + 1, signed_out_at = excluded.signed_out_at`, []any{micros(now)}}}
	if col, ok := c.model.Column(account.JWTSecret); ok && c.model.Django && newSecret != "" {
		all = append(all, statement{text: `update ` + table + ` set ` + quote(col.Name) + ` = ` + newSecret})
	}
	if c.clearTokens {
		all = append(all, statement{text: `delete from ` + clearTable})
	}
	return all
}

// renewSecrets draws the secret of every user anew, a page at a time.
func (c *compiled) renewSecrets(ctx context.Context, tx *sql.Tx) (err error) {
	col, ok := c.model.Column(account.JWTSecret)
	if !ok {
		return nil
	}
	table, id := quote(c.model.Table), quote(c.id)
	update, err := tx.PrepareContext(ctx, `update `+table+` set `+quote(col.Name)+` = $1 where `+id+` = $2`)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, update.Close()) }()
	const page = 1000
	after, more := int64(-1<<63), true
	for more {
		var ids []int64
		err := sqliteEngine.each(ctx, tx, `select `+id+` from `+table+` where `+id+` > $1 order by `+id+` limit $2`, []any{after, page},
			func(rows *sql.Rows) error {
				var one int64
				err := rows.Scan(&one)
				ids = append(ids, one)
				return err
			})
		if err != nil {
			return err
		}
		for _, after = range ids {
			secret := account.NewJWTSecret()
			if _, err := update.ExecContext(ctx, hex.EncodeToString(secret[:]), after); err != nil {
				return err
			}
		}
		more = len(ids) == page
	}
	return nil
}
