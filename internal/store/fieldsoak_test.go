package store_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

var soakUsers = flag.Int("soak-users", 20_000, "users in the table that fields are added to")

// million fills the users' table: as many users as were asked for.
const million = `with recursive n(i) as (select 1 union all select i + 1 from n where i < %d)
	insert into users (username, email, email_key, password, is_active, is_staff, is_superuser, jwt_secret, date_joined)
	select 'user' || i, 'user' || i || '@example.com', 'user' || i || '@example.com', 'argon2$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$' || i, `

// TestSoakFields adds fields to a table with users in it, and says how long it took. `make soak` gives it a million.
func TestSoakFields(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		plain := declared()
		mustMigrate(t, url, plain)
		fill := fmt.Sprintf(million, *soakUsers) + map[bool]string{
			true: `1, 0, 0, '00000000000000000000000000000001', 1 from n`, false: `true, false, false, '00000000000000000000000000000001', 1 from n`,
		}[url[:3] == "sql"]
		raw(t, url, fill)
		step := func(m *account.Model) {
			t.Helper()
			d := open(t, url, m)
			defer d.Close()
			begin := time.Now()
			if err := d.Migrate(t.Context(), func(a store.Applied) { t.Logf("%d users, %s: %v", *soakUsers, a, a.Took.Round(time.Millisecond)) }); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took > time.Minute { // ten seconds are promised; this is a bound for a broken plan
				t.Errorf("took %v", took)
			}
		}
		nick := field("nickname", account.ShortText)
		level := field("level", account.Choice, func(f *account.FieldSpec) { f.Choices, f.Default = []string{"a"}, account.TextValue("a") })
		step(declared(nick, level))
		raw(t, url, `update users set nickname = username`)
		nick.Unique = true
		step(declared(nick, level))
		step(plain)
		d := open(t, url, plain)
		if err := d.DropHidden(t.Context(), func(a store.Applied) { t.Logf("%d users, %s: %v", *soakUsers, a, a.Took.Round(time.Millisecond)) }); err != nil {
			t.Fatal(err)
		}
	})
}
