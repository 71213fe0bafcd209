package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"doorward/internal/account"
	"doorward/internal/server"
)

type exportCmd struct {
	Format        string `help:"jsonl: one JSON object a line; csv: a table, profiles as columns." enum:"jsonl,csv" default:"jsonl"`
	Output        string `help:"A new file, readable by you alone (default: standard output)." short:"o" placeholder:"FILE"`
	WithPasswords bool   `help:"With the hashes of passwords, which let others guess them."`
}

// Run writes every user, one after the other: it needs no more memory for many.
func (e *exportCmd) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) (err error) {
		out := c.out
		if e.Output != "" {
			f, err := os.OpenFile(e.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
			if errors.Is(err, os.ErrExist) {
				return fmt.Errorf("%s is there already\n  an export makes a new file\n  try: another name", e.Output)
			}
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, f.Close()) }()
			out = f
		}
		buffered := bufio.NewWriter(out)
		write := e.lines(buffered)
		if e.Format == "csv" {
			write = e.table(buffered, srv.Accounts().Model())
		}
		users := 0
		err = srv.Accounts().Export(ctx, func(u *account.User) error {
			users++
			return write(e.data(srv.Accounts().Model(), u))
		})
		if err == nil && users == 0 && e.Format == "csv" {
			err = write(nil)
		}
		if err = errors.Join(err, buffered.Flush()); err == nil {
			c.say("%d users exported", users)
		}
		return err
	})
}

// data is what is exported of u.
func (e *exportCmd) data(m *account.Model, u *account.User) []account.Datum {
	data := m.Data(u, account.Nobody)
	if e.WithPasswords {
		data = append(data, account.Datum{Name: string(account.Password), Value: u.Password})
	}
	return data
}

// lines writes a JSON object a user.
func (e *exportCmd) lines(w io.Writer) func([]account.Datum) error {
	return func(data []account.Datum) error {
		var line bytes.Buffer
		if err := appendObject(&line, data); err != nil {
			return err
		}
		line.WriteByte('\n')
		_, err := w.Write(line.Bytes())
		return err
	}
}

func appendObject(b *bytes.Buffer, data []account.Datum) error {
	b.WriteByte('{')
	for i, d := range data {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(d.Name)
		if err != nil {
			return err
		}
		b.Write(append(name, ':'))
		if inner, ok := d.Value.([]account.Datum); ok {
			if err := appendObject(b, inner); err != nil {
				return err
			}
			continue
		}
		value, err := json.Marshal(d.Value)
		if err != nil {
			return err
		}
		b.Write(value)
	}
	b.WriteByte('}')
	return nil
}

// table writes a line a user under a line of names. The columns are those of somebody with every profile.
func (e *exportCmd) table(w io.Writer, m *account.Model) func([]account.Datum) error {
	var profiles []account.Profile
	for i := range m.Profiles {
		profiles = append(profiles, account.Profile{Kind: m.Profiles[i].Name})
	}
	var names []string
	for _, d := range e.data(m, &account.User{Profiles: account.ProfilesOf(profiles...)}) {
		if inner, ok := d.Value.([]account.Datum); ok {
			for _, in := range inner {
				names = append(names, d.Name+"."+in.Name)
			}
			continue
		}
		names = append(names, d.Name)
	}
	table, begun := csv.NewWriter(w), false
	return func(data []account.Datum) error {
		if !begun {
			begun = true
			if err := table.Write(names); err != nil {
				return err
			}
		}
		cells := map[string]string{}
		for _, d := range data {
			if inner, ok := d.Value.([]account.Datum); ok {
				for _, in := range inner {
					cells[d.Name+"."+in.Name] = cell(in.Value)
				}
				continue
			}
			cells[d.Name] = cell(d.Value)
		}
		if data != nil {
			row := make([]string, len(names))
			for i, name := range names {
				row[i] = cells[name]
			}
			if err := table.Write(row); err != nil {
				return err
			}
		}
		table.Flush()
		return table.Error()
	}
}

func cell(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case time.Time:
		return v.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v)
}
