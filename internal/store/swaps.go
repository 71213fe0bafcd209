package store

import (
	"context"
	"fmt"
	"strings"

	"doorward/internal/account"
)

// UsersByEmail finds everybody who has an address.
func (q *queries) UsersByEmail(ctx context.Context, email string, fold bool, limit int) ([]account.User, error) {
	statement := q.several[account.Email]
	switch {
	case !fold:
	case q.model.Has(account.EmailKey) && q.model.EmailUnique == account.Folded:
		statement, email = q.several[account.EmailKey], q.emailKey(email)
	case q.model.Django:
		statement = q.findAnyCase
	}
	if statement == "" || email == "" || !storable(email) {
		return nil, nil
	}
	users, err := q.list(ctx, statement, limit, email)
	if err != nil {
		return nil, fmt.Errorf("find the users of an address: %w", err)
	}
	return users, nil
}

// UsersByUsername finds everybody who has a user name.
func (q *queries) UsersByUsername(ctx context.Context, name string, limit int) ([]account.User, error) {
	statement := q.several[account.Username]
	if q.model.Django {
		statement = q.findAnyName
	}
	if statement == "" || name == "" || !storable(name) {
		return nil, nil
	}
	users, err := q.list(ctx, statement, limit, name)
	if err != nil {
		return nil, fmt.Errorf("find the users of a name: %w", err)
	}
	return users, nil
}

// Activate makes a user active who is not.
func (q *queries) Activate(ctx context.Context, id int64) (bool, error) {
	changed, err := q.exec(ctx, q.activate, true, id, false)
	if err != nil {
		return false, fmt.Errorf("activate user %d: %w", id, err)
	}
	return changed == 1, nil
}

// SwapLogin replaces a user name or an address that is still the old one.
func (q *queries) SwapLogin(ctx context.Context, id int64, f account.Field, old, fresh string) (bool, error) {
	u := account.User{ID: id, Username: fresh, Email: fresh}
	var sets []string
	var args []any
	for _, col := range q.columns {
		if v, given, err := q.change(&u, col, []account.Field{f}); err != nil {
			return false, fmt.Errorf("replace the %s of user %d: %w", f, id, err)
		} else if given {
			args = append(args, v)
			sets = append(sets, quote(col.Name)+" = "+param(len(args)))
		}
	}
	if len(sets) == 0 {
		return false, fmt.Errorf("replace the %s of user %d: there is no such column", f, id)
	}
	n := len(args)
	is := q.is(f, n+2)
	if old == "" { // null is none, too
		col, _ := q.model.Column(f)
		is = "coalesce(" + quote(col.Name) + ", '') = " + param(n+2)
	}
	changed, err := q.exec(ctx, "update "+quote(q.model.Table)+" set "+strings.Join(sets, ", ")+
		" where "+q.is(account.ID, n+1)+" and "+is, append(args, id, old)...)
	if err != nil {
		return false, fmt.Errorf("replace the %s of user %d: %w", f, id, err)
	}
	return changed == 1, nil
}
