//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
	"doorward/internal/store"
)

const thePassword = "correct-horse-9"

// cheapHash is what the users who only read are stored with: their sign-ins, before anything is
// measured, take the time of the database. Whoever signs in while it is measured has the server's
// own cost.
var cheapHash = password.Params{MemoryKiB: 8, Time: 1, Threads: 1}

// emailOf is the address of user number i of a kind: "reader", "sleeper" or "caller".
func emailOf(kind string, i int) string { return fmt.Sprintf("%s%d@bench.example", kind, i) }

// crowd is so many users of one kind.
type crowd struct {
	kind  string
	users int
}

// hash is one for all of them: to make a million would take nine hours.
func (c crowd) hash() string {
	if c.kind == "caller" {
		return password.Hash(thePassword, password.Default)
	}
	return password.Hash(thePassword, cheapHash)
}

const batch = 5000 // users in a transaction

// runSeed is the subcommand: bench seed --database URL KIND=N …
func runSeed(ctx context.Context, args []string) (err error) {
	f := flag.NewFlagSet("seed", flag.ContinueOnError)
	url := f.String("database", "", "`URL` of the database")
	if err := f.Parse(args); err != nil {
		return err
	}
	db, err := store.Open(ctx, store.Options{URL: *url, Model: account.OwnModel(account.Email, account.Folded)})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx, nil); err != nil {
		return err
	}
	for _, arg := range f.Args() {
		c := crowd{}
		kind, n, _ := strings.Cut(arg, "=")
		if _, err := fmt.Sscan(n, &c.users); err != nil {
			return fmt.Errorf("seed: %q is not KIND=N", arg)
		}
		c.kind = kind
		if err := c.insert(ctx, db); err != nil {
			return fmt.Errorf("seed %s: %w", arg, err)
		}
	}
	return nil
}

func (c crowd) insert(ctx context.Context, db *store.DB) error {
	hash := c.hash()
	for first := 0; first < c.users; first += batch {
		err := db.Update(ctx, func(w account.Writer) error {
			for i := first; i < min(first+batch, c.users); i++ {
				u := account.User{Email: emailOf(c.kind, i), Password: hash, IsActive: true, DateJoined: clock().Truncate(time.Second)}
				rand.Read(u.JWTSecret[:])
				if _, err := w.InsertUser(ctx, &u); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}
