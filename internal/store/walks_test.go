package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// TestASearchUsesItsIndex holds that each walk is planned by the index that was made for it.
func TestASearchUsesItsIndex(t *testing.T) {
	for name, url := range engines {
		t.Run(string(name), func(t *testing.T) {
			t.Parallel()
			d := migrated(t, url(t), own())
			texts := everyStatement(t, d)
			for _, tt := range []struct{ has, sqlite, postgres string }{
				{`"is_staff" and `, "INDEX users_staff", "users_staff"},
				{`not u."is_active" and `, "INDEX users_inactive", "users_inactive"},
				{`(u."date_joined", u."id") > `, "INDEX users_joined", "users_joined"},
				{`u."email_key" >= `, "(email_key>? AND email_key<?)", `Index Cond: ((email_key >= `},
				{`u."username" >= `, "(username>? AND username<?)", `Index Cond: ((username >= `},
			} {
				found := 0
				for text := range texts {
					if !strings.Contains(text, tt.has) {
						continue
					}
					found++
					want := tt.sqlite
					if d.Engine() == store.PostgreSQL {
						want = tt.postgres
					}
					plan := explain(t, d, text)
					if !strings.Contains(plan, want) || strings.Contains(plan, "TEMP B-TREE") || strings.Contains(plan, "Sort") {
						t.Errorf("%s\nis planned as\n%s\nwant %s in it, and nothing sorted", text, plan, want)
					}
				}
				if found != 1 {
					t.Errorf("%d statements have %s", found, tt.has)
				}
			}
		})
	}
}

// crowd fills a table: every third is staff, every fifth inactive, one joined an hour.
func crowd(t *testing.T, d *store.DB, n int) {
	t.Helper()
	err := d.Update(t.Context(), func(w account.Writer) error {
		for i := range n {
			u := account.User{
				Email: fmt.Sprintf("U%02d@Example.com", i), Username: fmt.Sprintf("name-%02d", i), Password: "!", JWTSecret: [16]byte{byte(i)},
				IsActive: i%5 != 0, IsStaff: i%3 == 0, DateJoined: noon.Add(time.Duration(i/2) * time.Hour),
			}
			if i%10 == 9 {
				u.Username = "Émile" + u.Username
			}
			if _, err := w.InsertUser(t.Context(), &u); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestWalks lists users in every order on both engines, page by page.
func TestWalks(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, own())
		crowd(t, d, 30)
		page := func(w account.Walk, limit int) (users []account.User) {
			t.Helper()
			err := d.View(t.Context(), func(r account.Reader) (err error) { users, err = r.Walk(t.Context(), w, limit); return err })
			if err != nil {
				t.Fatal(err)
			}
			return users
		}
		place := func(by account.Field, u *account.User) account.Place {
			switch by {
			case account.Email:
				return account.Place{Text: account.FoldEmail(u.Email)}
			case account.Username:
				return account.Place{Text: u.Username}
			}
			return account.Place{ID: u.ID, Joined: u.DateJoined}
		}
		for _, tt := range []struct {
			walk account.Walk
			want string
		}{
			{account.Walk{By: account.ID}, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30"},
			{account.Walk{By: account.IsStaff}, "1 4 7 10 13 16 19 22 25 28"},
			{account.Walk{By: account.IsActive}, "1 6 11 16 21 26"},
			{account.Walk{By: account.DateJoined, From: noon.Add(12 * time.Hour), Until: noon.Add(14 * time.Hour)}, "25 26 27 28"},
			{account.Walk{By: account.DateJoined, From: noon.Add(14 * time.Hour)}, "29 30"},
			{account.Walk{By: account.DateJoined, Until: noon.Add(time.Hour)}, "1 2"},
			{account.Walk{By: account.Email, Prefix: "U1"}, "11 12 13 14 15 16 17 18 19 20"},
			{account.Walk{By: account.Email, Prefix: "u29@EXAMPLE.com"}, "30"},
			{account.Walk{By: account.Email, Prefix: "\x00"}, ""},
			{account.Walk{By: account.Username, Prefix: "name-2"}, "21 22 23 24 25 26 27 28 29"},
			{account.Walk{By: account.Username, Prefix: "É"}, "10 20 30"},
			{account.Walk{By: account.Username, Prefix: "NAME"}, ""},
		} {
			for _, limit := range []int{1, 2, 100} {
				w, got := tt.walk, []string{}
				for {
					users := page(w, limit)
					for _, u := range users {
						got = append(got, fmt.Sprint(u.ID))
					}
					if len(users) < limit {
						break
					}
					w.After = place(w.By, &users[len(users)-1])
				}
				if got := strings.Join(got, " "); got != tt.want {
					t.Errorf("by %s %q in pages of %d\n got: %s\nwant: %s", w.By, w.Prefix, limit, got, tt.want)
				}
			}
		}
	})
}

// TestAnAdoptedTableIsWalkedByItsOwnIndexes holds that nothing is looked for without one.
func TestAnAdoptedTableIsWalkedByItsOwnIndexes(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, storetest.SpaUser())
		var can []account.Field
		err := d.View(t.Context(), func(r account.Reader) error {
			for _, by := range []account.Field{account.ID, account.IsStaff, account.IsActive, account.DateJoined, account.Email, account.Username} {
				_, err := r.Walk(t.Context(), account.Walk{By: by, Prefix: "u"}, 1)
				if err == nil {
					can = append(can, by)
				} else if !errors.Is(err, account.ErrNoIndex) {
					return err
				}
			}
			return nil
		})
		want := []account.Field{account.ID}
		if d.Engine() == store.SQLite {
			want = append(want, account.Email)
		}
		if err != nil || !slices.Equal(can, want) {
			t.Errorf("got %q %v, want %q", can, err, want)
		}
	})
}
