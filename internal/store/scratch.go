package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// dropTimeout bounds the dropping of a scratch database.
const dropTimeout = 10 * time.Second

// Scratch makes an empty database of the kind that base names, and nothing of base is touched: for
// SQLite a file in a new temporary folder, for PostgreSQL a database on the same server. Close what
// was opened on it, then drop it.
func Scratch(ctx context.Context, base string) (_ string, drop func() error, err error) {
	switch scheme, _, _ := strings.Cut(base, ":"); scheme {
	case "sqlite":
		folder, err := os.MkdirTemp("", "doorward-scratch-")
		if err != nil {
			return "", nil, fmt.Errorf("make a scratch database: %w", err)
		}
		return "sqlite:" + filepath.Join(folder, "scratch.db"), func() error { return os.RemoveAll(folder) }, nil
	case "postgres", "postgresql":
		return scratchPostgres(ctx, base)
	}
	return "", nil, errors.New("make a scratch database: the URL is neither sqlite:PATH nor postgres://…")
}

func scratchPostgres(ctx context.Context, base string) (_ string, drop func() error, err error) {
	address, err := url.Parse(base)
	if err != nil {
		return "", nil, errors.New("make a scratch database: the database URL cannot be read")
	}
	name := "doorward_scratch_" + strings.ToLower(rand.Text())
	if err := runAlone(ctx, base, "create database "+quote(name)); err != nil {
		return "", nil, fmt.Errorf("make a scratch database: %w", err)
	}
	address.Path = "/" + name
	return address.String(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), dropTimeout)
		defer cancel()
		if err := runAlone(ctx, base, "drop database if exists "+quote(name)+" with (force)"); err != nil {
			return fmt.Errorf("drop the scratch database %s: %w", name, err)
		}
		return nil
	}, nil
}

// runAlone runs one statement on a connection of its own, outside any transaction.
func runAlone(ctx context.Context, address, text string) error {
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, text)
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	return errors.Join(err, conn.Close(closing))
}
