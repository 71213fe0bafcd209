package store_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

var parameter = regexp.MustCompile(`\$[0-9]+`)

// costsByTable are words that make the database count or skip rows.
// Few are the nodes, and the mails that wait: the latter are counted now and then, off the request's path.
var (
	boundedTables = regexp.MustCompile(`from nodes where|from outbox where state = 1`)
	costsByTable  = regexp.MustCompile(`(?i)\boffset\b|\bcount\s*\(`)
)

// parameters lists the parameters of a statement in the order of their first appearance.
func parameters(text string) []string {
	var found []string
	seen := map[string]bool{}
	for _, p := range parameter.FindAllString(text, -1) {
		if !seen[p] {
			seen[p] = true
			found = append(found, p)
		}
	}
	return found
}

// TestStatements runs the contract once more, and looks at every statement that it caused.
func TestStatements(t *testing.T) {
	for _, model := range []func() *account.Model{own, storetest.SpaUser, storetest.FieldsModel} {
		for name, url := range engines {
			t.Run(fmt.Sprint(name, " ", model().Table, " ", len(model().Extras)), func(t *testing.T) {
				t.Parallel()
				d := migrated(t, url(t), model())
				for text := range everyStatement(t, d) {
					for i, p := range parameters(text) {
						if p != fmt.Sprintf("$%d", i+1) {
							t.Errorf("parameters are not numbered in order of first appearance: %s", text)
						}
					}
					if regexp.MustCompile(`(?i)\bnow\(|for update|current_timestamp`).MatchString(text) {
						t.Errorf("a statement for one engine: %s", text)
					}
					if costsByTable.MatchString(text) && !boundedTables.MatchString(text) {
						t.Errorf("a statement that costs more the larger its table is: %s", text)
					}
					if plan := explain(t, d, text); scans(d.Engine(), plan) {
						t.Errorf("%s\nscans a table:\n%s", text, plan)
					}
				}
			})
		}
	}
}

// everyStatement runs each method of the store and returns the statements.
func everyStatement(t *testing.T, d *store.DB) map[string]bool {
	t.Helper()
	ctx := t.Context()
	at := time.Unix(1790000000, 0)
	u := account.User{Email: "ann@example.com", Username: "ann", Phone: "1", Password: "!", JWTSecret: [16]byte{1}, DateJoined: at}
	err := d.Update(ctx, func(w account.Writer) error {
		for n := range 200 { // so that a planner has something to choose from
			other := u
			other.Email, other.Username, other.Phone = fmt.Sprint("u", n, "@x.org"), fmt.Sprint("u", n), fmt.Sprint("p", n)
			id, err := w.InsertUser(ctx, &other)
			if err != nil {
				return err
			}
			ses := account.Session{ID: id, UserID: id, Mount: "m", Mark: id, Created: at, Rotated: at, Expires: at}
			if _, err := w.InsertSession(ctx, &ses); err != nil {
				return err
			}
		}
		u.ID = 1000
		key := account.StoredKey{ID: "k", Sealed: []byte{1}, State: 1, Created: at}
		fields := []account.Field{account.Password, account.Email, account.LastLogin, account.IsActive, account.JWTSecret}
		for _, f := range []func() error{
			func() error { _, err := w.InsertUser(ctx, &u); return err },
			func() error { return w.UpdateUser(ctx, &u, fields...) },
			func() error { return w.UpdateUser(ctx, &u, account.Password) },
			func() error { return w.UpdateUser(ctx, &u) },
			func() error { _, err := w.SwapPassword(ctx, 1, "!", "?"); return err },
			func() error { _, err := w.RaiseEpoch(ctx, 1, at); return err },
			func() error { _, err := w.LastMark(ctx, 1, "m"); return err },
			func() error { _, err := w.EndSession(ctx, 1, at); return err },
			func() error { _, err := w.EndSessionUntil(ctx, 1, at, at); return err },
			func() error { return w.KeepSession(ctx, 1, 2) },
			func() error { _, err := w.Sweep(ctx, at, 3); return err },
			func() error { return w.InsertSigningKey(ctx, &key) },
			func() error { _, err := w.MoveSigningKey(ctx, "k", 1, 2, at); return err },
			func() error { _, err := w.SigningKeys(ctx); return err },
			func() error { _, err := w.User(ctx, 1); return err },
			func() error { _, err := w.Users(ctx, 1, 2); return err },
			func() error { _, err := w.UserIDs(ctx, 1, 2); return err },
			func() error { _, err := w.Passwords(ctx, 1, 2); return err },
			func() error { return everyWalk(ctx, w) },
			func() error { _, err := w.Session(ctx, 1); return err },
			func() error { _, _, err := w.SessionUser(ctx, 3); return err },
			func() error { _, err := w.SessionByMark(ctx, 1, "m", 1); return err },
			func() error { _, err := w.SessionsOf(ctx, 1, 2); return err },
			func() error { _, err := w.UsersByEmail(ctx, "u1@x.org", false, 2); return err },
			func() error { _, err := w.Activate(ctx, 1); return err },
			func() error { _, err := w.SwapLogin(ctx, 1, account.Email, "u0@x.org", "z@x.org"); return err },
			func() error {
				_, err := w.InsertOpaqueToken(ctx, &account.OpaqueToken{UserID: 1, Hash: []byte{1}, Created: at})
				return err
			},
			func() error { return w.KeepOpaqueToken(ctx, 1, 2) },
			func() error { _, err := w.OpaqueToken(ctx, 1); return err },
			func() error { _, err := w.OpaqueTokenByHash(ctx, []byte{1}); return err },
			func() error { _, err := w.DeleteOpaqueToken(ctx, 1); return err },
			func() error { // a table of Django's has no key to find other spellings by, and is read whole
				if !d.Model().Has(account.EmailKey) {
					return nil
				}
				if _, err := w.UsersByEmail(ctx, "u1@x.org", true, 2); err != nil {
					return err
				}
				_, err := w.UsersByUsername(ctx, "u1", 2)
				return err
			},
			func() error { return everyRight(ctx, w) },
			func() error { _, err := w.DeleteUser(ctx, 2); return err },
		} {
			if err := f(); err != nil {
				return err
			}
		}
		if len(d.Model().Profiles) > 0 {
			if err := everyProfile(t, w); err != nil {
				return err
			}
		}
		for _, f := range []account.Field{account.Email, account.Username, account.Phone} {
			if !d.Model().Has(f) {
				continue
			}
			if _, err := w.Taken(ctx, f, "1"); err != nil {
				return err
			}
			for _, fold := range []bool{true, false} {
				_, _ = w.UserByLogin(ctx, f, "nobody", fold) // finds nobody
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = d.Instance(ctx)
	for _, until := range []time.Time{{}, at} {
		_, failed := d.Rotate(ctx, 1, 0, at, until)
		err = errors.Join(err, failed)
	}
	if err != nil {
		t.Fatal(err)
	}
	if d.Engine() == store.PostgreSQL {
		followOnce(t, d)
	}
	everyMailStatement(t, d)
	texts := map[string]bool{}
	for _, text := range d.Texts() {
		texts[text] = true
	}
	if want := 60; len(texts) < want {
		t.Errorf("got %d statements, want %d or more", len(texts), want)
	}
	return texts
}

// everyRight runs the statements of groups and permissions.
func everyRight(ctx context.Context, w account.Writer) error {
	for n := range 100 {
		p := account.Permission{App: fmt.Sprint("app", n%7), Codename: fmt.Sprint("code", n), Name: "Can"}
		g, err := w.InsertGroup(ctx, fmt.Sprint("group ", n))
		err = errors.Join(err, w.InsertPermission(ctx, &p), w.SetMember(ctx, g, int64(n+1), true), w.SetGroupPermission(ctx, g, &p, true),
			w.SetUserPermission(ctx, int64(n+1), &p, true))
		if err != nil {
			return err
		}
	}
	p, err := w.Permission(ctx, "app1", "code1")
	for _, f := range []func() error{
		func() error { _, err := w.Group(ctx, 1); return err },
		func() error { _, err := w.GroupByName(ctx, "group 1"); return err },
		func() error { _, err := w.Groups(ctx, 1, 2); return err },
		func() error { _, err := w.GroupsOf(ctx, 1, 2); return err },
		func() error { _, err := w.Permissions(ctx, 1, 2); return err },
		func() error { _, err := w.GroupPermissions(ctx, 1, 2); return err },
		func() error { _, err := w.UserPermissions(ctx, 1, 2); return err },
		func() error { _, err := w.PermissionsOf(ctx, 1, 2); return err },
		func() error { _, err := w.Members(ctx, 1, 0, 2); return err },
		func() error { _, err := w.HasPermission(ctx, 1, "app1", "code1"); return err },
		func() error { _, err := w.IsMember(ctx, 1, "group 1"); return err },
		func() error { _, err := w.RenameGroup(ctx, 1, "another"); return err },
		func() error { return w.SetMember(ctx, 1, 1, false) },
		func() error { return w.SetGroupPermission(ctx, 2, &p, false) },
		func() error { return w.SetUserPermission(ctx, 2, &p, false) },
		func() error { _, err := w.DeleteGroup(ctx, 1); return err },
		func() error { return w.DeletePermission(ctx, &p) },
	} {
		if err == nil {
			err = f()
		}
	}
	return err
}

// everyWalk lists users in every order that there is.
func everyWalk(ctx context.Context, r account.Reader) error {
	for _, by := range []account.Field{account.ID, account.IsStaff, account.IsActive, account.DateJoined, account.Email, account.Username} {
		if _, err := r.Walk(ctx, account.Walk{By: by, Prefix: "u1"}, 2); err != nil && !errors.Is(err, account.ErrNoIndex) {
			return err
		}
	}
	return nil
}

// everyProfile runs the statements of declared fields.
func everyProfile(t *testing.T, w account.Writer) error {
	ctx := t.Context()
	for id := int64(3); id < 100; id++ {
		p := account.Profile{UserID: id, Kind: "profile", Values: account.Values{}.With("badge", account.IntegerValue(id))}
		if _, err := w.InsertProfile(ctx, &p); err != nil {
			return err
		}
		if id == 3 {
			if err := w.UpdateProfile(ctx, &p, "badge"); err != nil {
				return err
			}
		}
	}
	_, err := w.Holder(ctx, "profile", "badge", account.IntegerValue(9))
	if err == nil {
		_, err = w.UserByProfile(ctx, "profile", 1)
	}
	if err == nil {
		_, err = w.UsersByProfile(ctx, "profile", 1, 10)
	}
	if err == nil {
		_, err = w.ProfileIDs(ctx, "profile", 1, 10)
	}
	if err == nil {
		_, err = w.DeleteProfile(ctx, "profile", 3)
	}
	return err
}

// followOnce runs the statements of the feed.
func followOnce(t *testing.T, d *store.DB) {
	t.Helper()
	h, _ := following(t, d, "here", 150*time.Millisecond)
	update(t, d, 1)
	h.want(t, "a change", account.Change{User: 1})
	h.look(t)
	if _, err := d.Unheard(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	if _, err := d.SweepFeed(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
}

// everyMailStatement runs what a sender does.
func everyMailStatement(t *testing.T, d *store.DB) {
	t.Helper()
	for _, state := range []account.MailState{account.MailSent, account.MailFailed, account.MailWaiting} {
		id := putMail(t, d, noon)
		m := claim(t, d, noon)
		settle(t, d, m, state, m.Due)
		if _, err := d.RetryMail(t.Context(), id, noon); err != nil {
			t.Fatal(err)
		}
	}
	_, err := d.Mails(t.Context(), 0, 10)
	_, sweep := d.SweepMails(t.Context(), noon, 10)
	_, count := d.WaitingMails(t.Context())
	if err = errors.Join(err, sweep, count, d.FreeMails(t.Context(), noon)); err != nil {
		t.Fatal(err)
	}
}

// preparations numbers PostgreSQL's prepared statements.
var preparations atomic.Int64

// explain is the plan of a statement whose parameters are unknown.
func explain(t *testing.T, d *store.DB, text string) string {
	t.Helper()
	ctx := t.Context()
	conn, err := d.Pool().Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	unknown := make([]any, len(parameters(text)))
	if d.Engine() == store.PostgreSQL {
		if strings.HasPrefix(text, "lock table") {
			return ""
		}
		name := fmt.Sprintf("explained_%d", preparations.Add(1))
		for _, s := range []string{"set enable_seqscan = off", "set plan_cache_mode = force_generic_plan", "prepare " + name + " as " + text} {
			if _, err := conn.ExecContext(ctx, s); err != nil {
				t.Fatalf("%s: %v", s, err)
			}
		}
		call := "execute " + name
		if len(unknown) > 0 {
			call += "(" + strings.TrimSuffix(strings.Repeat("null, ", len(unknown)), ", ") + ")"
		}
		text, unknown = call, nil
	} else {
		text = "query plan " + text
	}
	rows, err := conn.QueryContext(ctx, "explain "+text, unknown...)
	if err != nil {
		t.Fatalf("explain %s: %v", text, err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var line string
		dest := []any{&line}
		if d.Engine() == store.SQLite {
			dest = []any{new(int), new(int), new(int), &line}
		}
		if err := rows.Scan(dest...); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, "\n")
}

// scans reports whether a plan reads a table from end to end. An index in its order is bounded by
// the statement's limit, and that of mails that wait by how many may; SQLite's scan of a constant row or a list is no table.
func scans(e store.Engine, plan string) bool {
	if e == store.PostgreSQL {
		return strings.Contains(plan, "Seq Scan")
	}
	for line := range strings.Lines(plan) {
		if strings.Contains(line, "SCAN") && !strings.Contains(line, "USING INDEX") && !strings.Contains(line, "USING COVERING INDEX outbox_due") && !strings.Contains(line, "CONSTANT ROW") {
			return true
		}
	}
	return false
}
