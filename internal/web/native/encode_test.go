package native

import (
	"encoding/json"
	"testing"
	"time"

	"doorward/internal/account"
)

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
