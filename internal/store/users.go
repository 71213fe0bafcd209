package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"doorward/internal/account"
)

// maxUsers is the longest list that Users gives.
const maxUsers = 1000

// dest is where the columns of find go: those of the model, declared fields, profiles, epoch and the time of
// the last sign-out. After the row is read finish must be called.
func (q *queries) dest(u *account.User) (_ []any, finish func()) {
	dest := make([]any, 0, len(q.columns)+2)
	for _, col := range q.columns {
		switch col.Field {
		case account.EmailKey: // not read
		case account.ID:
			dest = append(dest, &u.ID)
		case account.Username:
			dest = append(dest, intoText{&u.Username})
		case account.Email:
			dest = append(dest, intoText{&u.Email})
		case account.FirstName:
			dest = append(dest, intoText{&u.FirstName})
		case account.LastName:
			dest = append(dest, intoText{&u.LastName})
		case account.Name:
			dest = append(dest, intoText{&u.Name})
		case account.Phone:
			dest = append(dest, intoText{&u.Phone})
		case account.Language:
			dest = append(dest, intoText{&u.Language})
		case account.Password:
			dest = append(dest, intoText{&u.Password})
		case account.IsActive:
			dest = append(dest, &u.IsActive)
		case account.IsStaff:
			dest = append(dest, &u.IsStaff)
		case account.IsSuperuser:
			dest = append(dest, &u.IsSuperuser)
		case account.IsAdmin:
			dest = append(dest, intoAdmin{u})
		case account.JWTSecret:
			dest = append(dest, intoSecret{&u.JWTSecret})
		case account.LastLogin:
			dest = append(dest, intoTime{&u.LastLogin})
		case account.DateJoined:
			dest = append(dest, intoTime{&u.DateJoined})
		}
	}
	dest, finish = q.destExtras(u, dest)
	return append(dest, &u.Epoch, intoTime{&u.SignedOut}), finish
}

// find reads the one user of a statement.
func (q *queries) find(ctx context.Context, text string, args ...any) (u account.User, err error) {
	dest, finish := q.dest(&u)
	if err := q.row(ctx, text, args, dest...); err != nil {
		return account.User{}, err
	}
	finish()
	return u, nil
}

// list reads the users of a statement whose last argument is a limit.
func (q *queries) list(ctx context.Context, text string, limit int, args ...any) (users []account.User, err error) {
	err = q.each(ctx, text, append(args, min(max(limit, 0), maxUsers)), func(rows *sql.Rows) error {
		var u account.User
		dest, finish := q.dest(&u)
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		finish()
		users = append(users, u)
		return nil
	})
	return users, err
}

// User finds a user by his id.
func (q *queries) User(ctx context.Context, id int64) (u account.User, err error) {
	if u, err = q.find(ctx, q.byID, id); err != nil {
		return account.User{}, fmt.Errorf("read user %d: %w", id, err)
	}
	return u, nil
}

// UserByLogin finds a user by e-mail address or user name.
func (q *queries) UserByLogin(ctx context.Context, f account.Field, text string, fold bool) (u account.User, err error) {
	if fold {
		f, text = q.keyOf(f, text)
	}
	statement, ok := q.by[f]
	if !ok || text == "" || !storable(text) {
		return u, account.ErrNotFound
	}
	if u, err = q.find(ctx, statement, text); err != nil {
		return account.User{}, fmt.Errorf("find a user by %s: %w", f, err)
	}
	return u, nil
}

// keyOf is where, and as what, the table judges whether an address is known.
func (q *queries) keyOf(f account.Field, text string) (account.Field, string) {
	if f != account.Email || !q.model.Has(account.EmailKey) || q.model.EmailUnique == account.NotUnique {
		return f, text
	}
	return account.EmailKey, q.emailKey(text)
}

// Taken reports whether a user has this value of a unique field.
func (q *queries) Taken(ctx context.Context, f account.Field, text string) (bool, error) {
	if f == account.Email && q.model.EmailUnique == account.NotUnique {
		return false, nil
	}
	f, text = q.keyOf(f, text)
	statement, ok := q.taken[f]
	if !ok || text == "" || !storable(text) {
		return false, nil
	}
	var id int64
	err := q.row(ctx, statement, []any{text}, &id)
	if errors.Is(err, account.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a user's %s: %w", f, err)
	}
	return true, nil
}

// Users lists users by id.
func (q *queries) Users(ctx context.Context, after int64, limit int) ([]account.User, error) {
	users, err := q.list(ctx, q.page, limit, after)
	if err != nil {
		return nil, fmt.Errorf("list the users after %d: %w", after, err)
	}
	return users, nil
}

// InsertUser adds a user.
func (q *queries) InsertUser(ctx context.Context, u *account.User) (int64, error) {
	text := q.insert
	if u.ID != 0 {
		text = q.insertID
	}
	args := make([]any, 0, len(q.columns)+len(q.extras))
	for _, col := range q.columns {
		if col.Field == account.ID && u.ID == 0 {
			continue
		}
		v, err := q.value(u, col)
		if err != nil {
			return 0, fmt.Errorf("insert a user: %w", err)
		}
		args = append(args, v)
	}
	for _, e := range q.extras {
		v, err := q.column(e.spec, e.of(u.Extra), q.model.Django)
		if err != nil {
			return 0, fmt.Errorf("insert a user: %w", err)
		}
		args = append(args, v)
	}
	var id int64
	if err := q.row(ctx, text, args, &id); err != nil {
		return 0, fmt.Errorf("insert a user: %w", err)
	}
	if u.ID != 0 && q.d.engine.advance != nil {
		if err := q.d.engine.advance(ctx, q, id); err != nil {
			return 0, fmt.Errorf("keep ids above %d: %w", id, err)
		}
	}
	return id, nil
}

// UpdateUser writes some fields of a user. Fields that the model lacks have no place to go and are
// left out; an address takes its key along; the one flag IsAdmin is written for either of the two
// that it stands for, from those of them that are given.
func (q *queries) UpdateUser(ctx context.Context, u *account.User, fields ...account.Field) error {
	var names []string
	var args []any
	for _, col := range q.columns {
		v, given, err := q.change(u, col, fields)
		if err != nil {
			return fmt.Errorf("update user %d: %w", u.ID, err)
		}
		if given {
			names, args = append(names, quote(col.Name)), append(args, v)
		}
	}
	moreNames, moreArgs, err := q.changes(q.extras, u.Extra, q.model.Django, fields)
	if err != nil {
		return fmt.Errorf("update user %d: %w", u.ID, err)
	}
	names, args = append(names, moreNames...), append(args, moreArgs...)
	if len(names) == 0 {
		_, err := q.User(ctx, u.ID)
		return err
	}
	text := set(q.model.Table, names) + " where " + q.is(account.ID, len(names)+1)
	changed, err := q.exec(ctx, text, append(args, u.ID)...)
	if err == nil && changed == 0 {
		err = account.ErrNotFound
	}
	if err != nil {
		return fmt.Errorf("update user %d: %w", u.ID, err)
	}
	return nil
}

// change is the new value of a column, and whether the fields ask for one.
func (q *queries) change(u *account.User, col column, fields []account.Field) (v any, given bool, err error) {
	has := func(f account.Field) bool { return slices.Contains(fields, f) }
	switch col.Field {
	case account.ID:
		return nil, false, nil
	case account.EmailKey:
		given = has(account.Email)
	case account.IsAdmin:
		if !has(account.IsAdmin) {
			staff, super := has(account.IsStaff), has(account.IsSuperuser)
			return staff && u.IsStaff || super && u.IsSuperuser, staff || super, nil
		}
		given = true
	default:
		given = has(col.Field)
	}
	if !given {
		return nil, false, nil
	}
	v, err = q.value(u, col)
	return v, true, err
}

// SwapPassword replaces a hash that is still the old one.
func (q *queries) SwapPassword(ctx context.Context, id int64, old, fresh string) (bool, error) {
	changed, err := q.exec(ctx, q.swap, fresh, id, old)
	if err != nil {
		return false, fmt.Errorf("replace the password of user %d: %w", id, err)
	}
	return changed == 1, nil
}

// DeleteUser removes a user and what is his here. Rows of others that refer to him, in a table of
// Django's, make it fail.
func (q *queries) DeleteUser(ctx context.Context, id int64) (bool, error) {
	if err := q.EndClearToken(ctx, id); err != nil {
		return false, err
	}
	for _, p := range q.profiles {
		if _, err := q.exec(ctx, p.delete, id); err != nil {
			return false, fmt.Errorf("delete the profile %s of user %d: %w", p.kind.Name, id, err)
		}
	}
	if err := q.leaveAll(ctx, id); err != nil {
		return false, fmt.Errorf("delete user %d: %w", id, err)
	}
	deleted, err := q.exec(ctx, q.delete, id)
	if err == nil {
		_, err = q.exec(ctx, `delete from sessions where user_id = $1`, id)
	}
	if err == nil {
		_, err = q.exec(ctx, `delete from opaque_tokens where user_id = $1`, id)
	}
	if err == nil {
		_, err = q.exec(ctx, `delete from user_states where user_id = $1`, id)
	}
	if err == nil {
		err = q.Bar(ctx, id, false)
	}
	if err != nil {
		return false, fmt.Errorf("delete user %d: %w", id, err)
	}
	return deleted == 1, nil
}

// RaiseEpoch begins a new epoch of a user.
func (q *queries) RaiseEpoch(ctx context.Context, userID int64, now time.Time) (epoch uint32, err error) {
	err = q.row(ctx, `insert into user_states (user_id, epoch, signed_out_at) values ($1, 1, $2)
		on conflict (user_id) do update set epoch = user_states.epoch + 1, signed_out_at = excluded.signed_out_at
		returning epoch`, []any{userID, micros(now)}, &epoch)
	if err != nil {
		return 0, fmt.Errorf("raise the epoch of user %d: %w", userID, err)
	}
	return epoch, nil
}
