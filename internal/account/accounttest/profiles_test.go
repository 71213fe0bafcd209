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
		if list, err := w.ProfilesFor(ctx, who, tt.kind); err != nil || len(list) != tt.listed {
			t.Errorf("%s, listed\ngot:  %d, %v\nwant: %d", what, len(list), err, tt.listed)
		}
		_, err = w.ProfileFor(ctx, who, tt.kind, p.ID+100)
		wantCode(t, what+", one that is not there", err, account.ProfileNone)
	}
	bob := people["bob"]
	if err := w.DeleteProfile(ctx, bob.User.ID, "private"); err != nil {
		t.Fatal(err)
	}
	if list, err := w.ProfilesFor(ctx, bob, "private"); err != nil || len(list) != 0 {
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
	list, err := w.ProfilesFor(ctx, nil, "public")
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
	if list, err := w.ProfilesFor(ctx, nil, "public"); err != nil || len(list) != room/wide {
		t.Errorf("of wide ones: got %d, %v, want %d", len(list), err, room/wide)
	}
}
