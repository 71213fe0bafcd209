package accounttest

import (
	"fmt"
	"strings"
	"testing"

	"doorward/internal/account"
)

// shown is a model with a profile that anyone may read something of, and one that is its owner's.
func shown() *account.Model {
	m := ownModel()
	field := func(read account.Access) []account.FieldSpec {
		return []account.FieldSpec{{Name: "bio", Kind: account.LongText, Blank: true, Read: read, Write: account.Self, SignUp: true}}
	}
	m.Profiles = []account.ProfileKind{
		{Name: "public", Table: "profile_public", Auto: true, Fields: field(account.Anyone)},
		{Name: "private", Table: "profile_private", Auto: true, Fields: field(account.Self)},
	}
	return m
}

// TestWhoMaySeeAndChangeAProfile asks for the profile of ann.
func TestWhoMaySeeAndChangeAProfile(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, shown())
	people := map[string]*account.Principal{"nobody": nil}
	for _, name := range []string{"ann", "bob", "staff"} {
		u, err := w.SignUp(ctx, native(), account.NewUser{Email: name + "@example.com", Password: secret})
		if err != nil {
			t.Fatal(err)
		}
		u.IsStaff = name == "staff"
		people[name] = &account.Principal{User: u}
	}
	for _, tt := range []struct {
		who, kind string
		see, own  account.Code
		listed    int
	}{
		{"nobody", "public", "", account.NotYours, 3},
		{"ann", "public", "", "", 3},
		{"bob", "public", "", account.NotYours, 3},
		{"staff", "public", "", account.NotYours, 3},
		{"nobody", "private", account.ProfileNone, account.ProfileNone, 0},
		{"ann", "private", "", "", 1},
		{"bob", "private", account.ProfileNone, account.ProfileNone, 1},
		{"staff", "private", "", account.NotYours, 3},
	} {
		what, who := tt.who+" and the "+tt.kind+" one", people[tt.who]
		p, _ := people["ann"].User.Profiles.Of(tt.kind)
		u, err := w.ProfileFor(ctx, who, tt.kind, p.ID)
		if code(err) != tt.see || err == nil && u.ID != people["ann"].User.ID {
			t.Errorf("%s, seen\ngot:  user %d, %v\nwant: %q", what, u.ID, err, tt.see)
		}
		if _, err := w.OwnProfile(ctx, who, tt.kind, p.ID); code(err) != tt.own {
			t.Errorf("%s, to change\ngot:  %v\nwant: %q", what, err, tt.own)
		}
		if list, err := w.ProfilesFor(ctx, native(), who, tt.kind); err != nil || len(list) != tt.listed {
			t.Errorf("%s, listed\ngot:  %d, %v\nwant: %d", what, len(list), err, tt.listed)
		}
		if page, count, err := w.ProfilesPage(ctx, who, tt.kind, 0, 2); err != nil || count != tt.listed || len(page) != min(tt.listed, 2) {
			t.Errorf("%s, a page\ngot:  %d of %d, %v\nwant: %d", what, len(page), count, err, tt.listed)
		}
		_, err = w.ProfileFor(ctx, who, tt.kind, p.ID+100)
		wantCode(t, what+", one that is not there", err, account.ProfileNone)
	}
	bob := people["bob"]
	if err := w.DeleteProfile(ctx, bob.User.ID, "private"); err != nil {
		t.Fatal(err)
	}
	if list, err := w.ProfilesFor(ctx, native(), bob, "private"); err != nil || len(list) != 0 {
		t.Errorf("bob, whose profile went meanwhile: %d, %v", len(list), err)
	}
}

// TestAListOfProfilesIsBounded lists more people than a page has, and more texts than a list.
func TestAListOfProfilesIsBounded(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, shown())
	const people = 450
	w.update(t, func(tx account.Writer) error {
		for i := range people {
			u := account.User{Email: fmt.Sprintf("u%d@example.com", i), IsActive: true, JWTSecret: account.NewJWTSecret()}
			id, err := tx.InsertUser(ctx, &u)
			if err != nil {
				return err
			}
			p := account.Profile{UserID: id, Kind: "public", Values: account.Values{}.With("bio", text("x"))}
			if _, err := tx.InsertProfile(ctx, &p); err != nil {
				return err
			}
		}
		return nil
	})
	list, err := w.ProfilesFor(ctx, native(), nil, "public")
	if err != nil || len(list) != people {
		t.Fatalf("got %d, %v, want %d", len(list), err, people)
	}
	for i := 1; i < len(list); i++ {
		before, _ := list[i-1].Profiles.Of("public")
		if p, _ := list[i].Profiles.Of("public"); p.ID <= before.ID {
			t.Fatalf("profile %d comes after %d", p.ID, before.ID)
		}
	}
	const wide, room = 40_000, 8 << 20
	w.sql(t, fmt.Sprintf("update profile_public set bio = '%s'", strings.Repeat("x", wide)))
	_, err = w.ProfilesFor(ctx, native(), nil, "public")
	wantTooMany(t, "of wide ones", err, room/wide)
	_, _, err = w.ProfilesPage(ctx, nil, "public", 100, 300)
	wantTooMany(t, "a page of wide ones", err, room/wide)
	if page, _, err := w.ProfilesPage(ctx, nil, "public", 100, 200); err != nil || len(page) != 200 {
		t.Errorf("a short page of wide ones: got %d, %v", len(page), err)
	}
	narrow := native()
	narrow.Changes.ListLimit = people
	w.sql(t, "update profile_public set bio = ''")
	if list, err := w.ProfilesFor(ctx, narrow, nil, "public"); err != nil || len(list) != people {
		t.Errorf("as many as may be: got %d, %v", len(list), err)
	}
	narrow.Changes.ListLimit--
	_, err = w.ProfilesFor(ctx, narrow, nil, "public")
	wantTooMany(t, "one more than may be", err, people-1)
}

// wantTooMany holds that a list was refused, and says how many it may have.
func wantTooMany(t *testing.T, what string, err error, limit int) {
	t.Helper()
	wantCode(t, what, err, account.TooMany)
	if refusal := account.Refusal(err); refusal != nil && refusal.Problems[0].Limit != limit {
		t.Errorf("%s\ngot:  %d\nwant: %d", what, refusal.Problems[0].Limit, limit)
	}
}

// TestPagesOfProfiles walks pages by the ids of profiles, which are others than their owners'.
func TestPagesOfProfiles(t *testing.T) {
	t.Parallel()
	w := fieldsWorld(t, shown())
	const people = 1005
	w.update(t, func(tx account.Writer) error {
		for i := range people {
			u := account.User{Email: fmt.Sprintf("u%d@example.com", i), IsActive: true, JWTSecret: account.NewJWTSecret()}
			id, err := tx.InsertUser(ctx, &u)
			if err != nil {
				return err
			}
			if i%5 == 0 { // these have none
				continue
			}
			p := account.Profile{UserID: id, Kind: "public"}
			if _, err := tx.InsertProfile(ctx, &p); err != nil {
				return err
			}
		}
		return nil
	})
	all, err := w.ProfilesFor(ctx, native(), nil, "public")
	if err != nil || len(all) != people/5*4 {
		t.Fatalf("got %d, %v, want %d", len(all), err, people/5*4)
	}
	for _, tt := range []struct{ skip, limit, want int }{{0, 10, 10}, {10, 10, 10}, {800, 10, 4}, {803, 1, 1}, {804, 10, 0}, {5000, 10, 0}, {0, 1000, 804}} {
		page, count, err := w.ProfilesPage(ctx, nil, "public", tt.skip, tt.limit)
		if err != nil || count != len(all) || len(page) != tt.want {
			t.Errorf("%d after %d\ngot:  %d of %d, %v\nwant: %d of %d", tt.limit, tt.skip, len(page), count, err, tt.want, len(all))
			continue
		}
		if len(page) > 0 && page[0].ID != all[tt.skip].ID {
			t.Errorf("%d after %d\ngot:  user %d first\nwant: %d", tt.limit, tt.skip, page[0].ID, all[tt.skip].ID)
		}
	}
	owner := &account.Principal{User: all[0]}
	if page, count, err := w.ProfilesPage(ctx, owner, "private", 0, 10); err != nil || count != 0 || len(page) != 0 {
		t.Errorf("who sees none\ngot:  %d of %d, %v", len(page), count, err)
	}
	if page, count, err := w.ProfilesPage(ctx, nil, "private", 10, 10); err != nil || count != 0 || len(page) != 0 {
		t.Errorf("nobody\ngot:  %d of %d, %v", len(page), count, err)
	}
}
