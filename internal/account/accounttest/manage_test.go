package accounttest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
)

func TestUpdate(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", func(u *account.User) { u.Username, u.Name = "ann", "Ann" })
	w.add(t, "bob@example.com", func(u *account.User) { u.Username, u.Phone = "bob", "+1" })
	type texts map[account.Field]string
	for _, tt := range []struct {
		name  string
		texts texts
		want  string
	}{
		{"nothing", texts{}, "<nil>"},
		{"fields that are no texts of people", texts{account.Password: "x", account.IsStaff: "true", account.ID: "2", account.EmailKey: "x", "verified": "1"}, "<nil>"}, // (c) 55
		{"the address, by which he signs in", texts{account.Email: "eve@example.com"}, "email read_only"},
		{"the address as it is", texts{account.Email: u.Email}, "email read_only"},
		{"several, one of them fixed", texts{account.Email: "x", account.Name: "Eve"}, "email read_only"},
		{
			"several that are wrong",
			texts{account.FirstName: "\x00", account.LastName: "\xff", account.Phone: strings.Repeat("1", 21)},
			"first_name invalid, last_name invalid, phone too_long 20",
		},
		{"a user name that is longer as it is kept", texts{account.Username: strings.Repeat("\uFDFA", 9)}, "username too_long 150"},
		{"the user name of another", texts{account.Username: "bob"}, "username username_taken"},
		{"the user name of another, as it is kept", texts{account.Username: "ｂob"}, "username username_taken"},
		{"the phone of another", texts{account.Phone: "+1"}, "phone phone_taken"},
		{"all that may change", texts{account.Username: "ａnna", account.FirstName: "A", account.LastName: "B", account.Name: "", account.Phone: "+2"}, "<nil>"},
	} {
		before := w.user(t, u.ID)
		got, err := w.Update(ctx, &account.Principal{User: before}, tt.texts)
		if told(err) != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, told(err), tt.want)
		}
		after := w.user(t, u.ID)
		if err != nil && (after != before || got != (account.User{})) {
			t.Errorf("%s: refused, and told of %+v, now %+v", tt.name, got, after)
		}
		if err == nil && got != after {
			t.Errorf("%s: told of %+v, now %+v", tt.name, got, after)
		}
	}
	if got := w.user(t, u.ID); got.Username != "anna" || got.FirstName != "A" || got.Name != "" || got.Phone != "+2" || got.IsStaff || got.Password != u.Password {
		t.Errorf("now %+v", got)
	}

	byName := open(t, account.OwnModel(account.Username, account.Folded))
	u = byName.add(t, "ann@example.com", func(u *account.User) { u.Username = "ann" })
	_, err := byName.Update(ctx, &account.Principal{User: u}, texts{account.Username: "eve", account.Email: "e@example.com"})
	if got := told(err); got != "email read_only, username read_only" {
		t.Errorf("the user name, by which he signs in: %s", got)
	}

	spa := open(t, spaModel())
	u = spa.add(t, "ann@example.com", nil)
	_, err = spa.Update(ctx, &account.Principal{User: u}, texts{account.Name: "Ann"})
	if got := told(err); got != "name read_only" {
		t.Errorf("a field that the table lacks: %s", got)
	}
}

func TestDelete(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u, other := w.add(t, "ann@example.com", nil), w.add(t, "bob@example.com", nil)
	p := native()
	g, theirs := w.signIn(t, p, u.Email), w.signIn(t, p, other.Email)
	who := w.who(t, p, g.Access)
	for _, text := range []string{"", secret + "!", strings.Repeat("x", password.MaxBytes+1)} {
		if got := told(w.Delete(ctx, who, text)); got != "password wrong_password" {
			t.Errorf("Delete with %.20q: %s", text, got)
		}
	}
	w.who(t, p, g.Access)
	if err := w.Delete(ctx, who, secret); err != nil {
		t.Fatal(err)
	}
	if n := w.count(t, "select (select count(*) from users) + (select count(*) from sessions) + (select count(*) from user_states)"); n != 2 {
		t.Errorf("%d rows, want the other user and his session", n)
	}
	w.who(t, p, theirs.Access)
	wantCode(t, "delete again", w.Delete(ctx, who, secret), account.WrongPassword)
	if err := w.Remove(ctx, u.ID); err != nil {
		t.Errorf("remove who is gone: %v", err)
	}
	if again := w.add(t, u.Email, nil); again.ID <= u.ID { // (c) 56
		t.Errorf("the next user has id %d, want one above %d", again.ID, u.ID)
	}
}

func TestSetActive(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	g := w.signIn(t, native(), u.Email)
	for _, active := range []bool{false, false, true, true} {
		if err := w.SetActive(ctx, u.ID, active); err != nil {
			t.Fatal(err)
		}
		want := account.InvalidCredentials
		if active {
			want = ""
		}
		_, err := w.SignIn(ctx, native(), account.Credentials{Login: u.Email, Password: secret})
		wantCode(t, fmt.Sprintf("sign in, active %v", active), err, want)
		if got := w.refreshCode(native(), g.Refresh); got != account.TokenEnded {
			t.Errorf("active %v: an old refresh token: %q, want %q", active, got, account.TokenEnded)
		}
	}
	for _, active := range []bool{false, true} {
		if err := w.SetActive(ctx, 4242, active); !errors.Is(err, account.ErrNotFound) {
			t.Errorf("SetActive of nobody to %v: %v, want ErrNotFound", active, err)
		}
	}
	wantCode(t, "SignOutEverywhere of nobody", w.SignOutEverywhere(ctx, 4242), account.NoSuchUser)
	if n := w.count(t, "select count(*) from user_states"); n != 1 {
		t.Errorf("%d states, want that of the one user", n)
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	ids := map[string]int64{}
	for _, name := range []string{"ann", "bob", "7", "1", "007", "+1", "-1", "99999999999999999999", "a@b"} {
		ids[name] = w.add(t, fmt.Sprintf("U%d@example.com", len(ids)), func(u *account.User) { u.Username = name }).ID
	}
	for ref, want := range map[string]int64{
		"ann": ids["ann"], "U0@example.com": ids["ann"], "u0@EXAMPLE.com": ids["ann"], "1": 1, "2": 2, "7": 7,
		"007": ids["007"], "+1": ids["+1"], "-1": ids["-1"], "99999999999999999999": ids["99999999999999999999"],
		"Ann": 0, "a@b": 0, "": 0, "0": 0, "42": 0, "ann\x00": 0, "\xff": 0, "U9@example.com": 0, " ann": 0,
	} {
		u, err := w.Find(ctx, ref)
		if u.ID != want || (want == 0) != errors.Is(err, account.ErrNotFound) {
			t.Errorf("Find(%q) = user %d, %v, want user %d", ref, u.ID, err, want)
		}
	}
	w.hook = func(call string) error {
		if call == "User" || call == "UserByLogin" {
			return errBroken
		}
		return nil
	}
	for _, ref := range []string{"1", "ann", "U0@example.com"} {
		if _, err := w.Find(ctx, ref); !errors.Is(err, errBroken) || errors.Is(err, account.ErrNotFound) {
			t.Errorf("Find(%q) with a broken store: %v", ref, err)
		}
	}
	spa := open(t, spaModel())
	u := spa.add(t, "ann@example.com", nil)
	if got, err := spa.Find(ctx, u.Email); err != nil || got.ID != u.ID {
		t.Errorf("Find in a table without user names: user %d, %v", got.ID, err)
	}
	if _, err := spa.Find(ctx, "ann"); !errors.Is(err, account.ErrNotFound) {
		t.Errorf("Find of a user name in a table without: %v, want ErrNotFound", err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	const n = 7
	for i := range n {
		w.add(t, fmt.Sprintf("u%d@example.com", i), nil)
	}
	if err := w.Remove(ctx, 3); err != nil {
		t.Fatal(err)
	}
	var got []int64
	for after := int64(0); ; {
		users, err := w.List(ctx, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		if len(users) == 0 {
			break
		}
		for _, u := range users {
			got = append(got, u.ID)
			after = u.ID
		}
	}
	if fmt.Sprint(got) != "[1 2 4 5 6 7]" {
		t.Errorf("page by page: %v", got)
	}
	for _, tt := range []struct {
		after int64
		limit int
		want  int
	}{{0, 0, 0}, {0, -1, 0}, {7, 10, 0}, {1<<63 - 1, 10, 0}, {-1 << 63, 100, 6}, {0, 1 << 30, 6}} {
		users, err := w.List(ctx, tt.after, tt.limit)
		if err != nil || len(users) != tt.want {
			t.Errorf("List(%d, %d): %d users, %v, want %d", tt.after, tt.limit, len(users), err, tt.want)
		}
	}
}

// TestSweep takes what nobody can use or name any more, and nothing else.
func TestSweep(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	var grants []account.Grant
	for _, p := range []*account.Policy{perUser(), once(), native()} {
		grants = append(grants, w.signIn(t, p, u.Email))
	}
	if err := w.SignOut(ctx, perUser(), w.who(t, perUser(), grants[0].Access)); err != nil {
		t.Fatal(err)
	}
	w.update(t, func(tx account.Writer) error { // more than one step of it
		for i := range int64(1200) {
			s := account.Session{ID: i + 1, UserID: u.ID, Mount: "x", Created: w.clock.now(), Rotated: w.clock.now(), Expires: w.clock.now().Add(-time.Microsecond)}
			if _, err := tx.InsertSession(ctx, &s); err != nil {
				return err
			}
		}
		return nil
	})
	sweep := func(want int) {
		t.Helper()
		if err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "select count(*) from sessions"); n != want {
			t.Errorf("%d sessions after a sweep, want %d", n, want)
		}
	}
	sweep(3)
	w.clock.advance(15*time.Minute + time.Second) // the token that cannot be renewed is dead
	sweep(2)
	w.clock.advance(time.Hour) // and the chain that was signed out
	sweep(1)
	if got := w.judge(perUser(), grants[0].Access); got != account.TokenExpired {
		t.Errorf("a token of a swept chain: %q, want %q", got, account.TokenExpired)
	}
	w.clock.advance(21*day - 2*time.Hour) // the one that nobody used for as long as it may idle, and half as long again
	sweep(1)
	w.clock.advance(2 * time.Hour)
	sweep(0)
	if got := w.refreshCode(native(), grants[2].Refresh); got != account.TokenEnded {
		t.Errorf("a refresh token of a swept session: %q, want %q", got, account.TokenEnded)
	}
	w.hook = func(call string) error {
		if call == "Sweep" {
			return errBroken
		}
		return nil
	}
	wantCode(t, "sweep with a broken store", w.Sweep(ctx), fault)
}

// TestARowGoesSoonAfterItsSession: the row of a session that ended stays for an hour, the row of one
// that is used for as long as the session may last.
func TestARowGoesSoonAfterItsSession(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	u := w.add(t, "ann@example.com", nil)
	kept, ended := w.signIn(t, native(), u.Email), w.signIn(t, native(), u.Email)
	rows := func(when string, want int) {
		t.Helper()
		if err := w.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
		if n := w.count(t, "select count(*) from sessions"); n != want {
			t.Errorf("%s: %d sessions, want %d", when, n, want)
		}
	}
	if err := w.SignOut(ctx, native(), w.who(t, native(), ended.Access)); err != nil {
		t.Fatal(err)
	}
	w.clock.advance(time.Hour)
	rows("an hour after a sign-out", 2)
	w.clock.advance(time.Microsecond)
	rows("later", 1)
	if got := w.refreshCode(native(), ended.Refresh); got != account.TokenEnded {
		t.Errorf("a refresh token of a swept session: %q, want %q", got, account.TokenEnded)
	}
	for day13 := range 6 { // 78 days
		w.clock.advance(13 * day)
		rows("used every 13 days", 1)
		kept = w.refresh(t, native(), kept.Refresh)
		if want := w.clock.now().Add(14 * day); day13 < 5 && kept.Session.Expires.Before(want) {
			t.Errorf("used on day %d: its row goes at %s, want %s at least", 13*(day13+1), kept.Session.Expires, want)
		}
	}
	if got, want := kept.Session.Expires, kept.Session.Created.Add(90*day); !got.Equal(want) {
		t.Errorf("its row goes at %s, want %s, its end", got, want)
	}
}
