package native

import (
	"encoding/json"
	"testing"
	"time"

	"doorward/internal/account"
)

// user is how a user reads in this API.
type user struct {
	ID         int64   `json:"id"`
	Email      *string `json:"email"`
	Username   *string `json:"username"`
	FirstName  string  `json:"first_name"`
	LastName   string  `json:"last_name"`
	Name       string  `json:"name"`
	Phone      *string `json:"phone"`
	DateJoined *string `json:"date_joined"`
	LastLogin  *string `json:"last_login"`
}

func shape(u *account.User) user {
	return user{
		ID: u.ID, Email: optional(u.Email), Username: optional(u.Username), FirstName: u.FirstName, LastName: u.LastName,
		Name: u.Name, Phone: optional(u.Phone), DateJoined: instant(u.DateJoined), LastLogin: instant(u.LastLogin),
	}
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func instant(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	return optional(t.UTC().Format(time.RFC3339))
}

func TestADeclaredValueIsWrittenAsJSONHasIt(t *testing.T) {
	for _, v := range []account.Value{
		{},
		account.TextValue("<b>\"ü\""), account.TextValue(""), account.IntegerValue(-5), account.DecimalValue("1.50"), account.BooleanValue(true),
		account.DateValue(time.Unix(0, 0)), account.TimeValue(time.UnixMicro(1)), account.JSONValue([]byte(`{"a":[1,null]}`)),
	} {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if got := appendValue(nil, v); string(got) != string(want) {
			t.Errorf("got:  %s\nwant: %s", got, want)
		}
	}
}

func TestAUserIsWrittenAsItsShapeIs(t *testing.T) {
	at := time.Date(2026, 11, 22, 4, 5, 6, 789_000, time.FixedZone("", 3600))
	for _, u := range []account.User{
		{},
		{
			ID: 1 << 40, Email: "ann@example.com", Username: "ann", FirstName: "Ann", LastName: "Example", Name: "Ann Example", Phone: "+1 555",
			DateJoined: at, LastLogin: at.Add(time.Hour),
		},
		{ID: -1, Name: "<b>&\"quoted\"\\ \t\n\x00\x7f", FirstName: "Jürgen \u2028", LastName: "\xff", Email: "a'b@example.com"},
	} {
		want, err := json.Marshal(shape(&u))
		if err != nil {
			t.Fatal(err)
		}
		if got := appendUser(nil, &u); string(got) != string(want) {
			t.Errorf("%+v\ngot:  %s\nwant: %s", u, got, want)
		}
	}
}
