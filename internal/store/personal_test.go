package store_test

import (
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
)

// keptOf says what the columns of the tables that are about users, beside the users' own, tell of a person.
// "session" is what one's own export says of his sessions; the rest tells nothing that is not there already, or is no
// text that anybody could read.
var keptOf = map[string]map[string]string{
	"user_states": {"user_id": "key", "epoch": "inner", "signed_out_at": "personal"},
	"sessions": {
		"id": "inner", "user_id": "key", "mount": "session", "mark": "inner", "epoch": "inner", "generation": "inner",
		"created_at": "session", "rotated_at": "session", "expires_at": "session", "ended_at": "session",
	},
	"opaque_tokens": {"user_id": "key", "hash": "proof", "nonce": "proof", "sealed": "proof", "epoch": "inner", "created_at": "inner"},
	"outbox": { // it empties itself; what was mailed is sealed
		"id": "inner", "user_id": "key", "occasion": "inner", "sealed": "proof", "state": "inner", "tries": "inner",
		"created_at": "inner", "due_at": "inner", "settled_at": "inner", "answer": "inner",
	},
	// What somebody may do is in GET /v1/me/permissions.
	"user_groups":      {"user_id": "key", "group_id": "rights"},
	"user_permissions": {"user_id": "key", "permission_id": "rights"},
	"feed":             {"txid": "inner", "at": "inner", "user_id": "inner", "session_id": "inner"},
	"profile_profile":  {"id": "personal", "user_id": "key", "badge": "personal", "motto": "personal"},
}

// live lists the columns of every table of a database.
func live(t *testing.T, url string) map[string][]string {
	t.Helper()
	driver, name := "pgx", url
	text := `select table_name, column_name from information_schema.columns where table_schema = current_schema()`
	if path, ok := strings.CutPrefix(url, "sqlite:"); ok {
		driver, name = "sqlite", path
		text = `select m.name, c.name from sqlite_master m join pragma_table_info(m.name) c where m.type = 'table'`
	}
	pool, err := sql.Open(driver, name)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	rows, err := pool.QueryContext(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	tables := map[string][]string{}
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		tables[table] = append(tables[table], column)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return tables
}

// names are those of data, and of what is in them.
func names(data []account.Datum) (all []string) {
	for _, d := range data {
		all = append(all, d.Name)
		if inner, ok := d.Value.([]account.Datum); ok {
			for _, n := range names(inner) {
				all = append(all, d.Name+"."+n)
			}
		}
	}
	return all
}

// TestAnExportHasEveryPersonalColumn compares the schema that is there with what an export says (SECURITY W5): a
// column that nobody classified fails it.
func TestAnExportHasEveryPersonalColumn(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		m := own()
		m.Extras = []account.FieldSpec{field("nickname", account.ShortText), field("hint", account.ShortText, func(f *account.FieldSpec) { f.Read = account.Nobody })}
		m.Profiles = []account.ProfileKind{{Name: "profile", Table: "profile_profile", Fields: []account.FieldSpec{
			field("badge", account.Integer), field("motto", account.ShortText),
		}}}
		migrated(t, url, m)
		exported := names(m.Data(&account.User{Profiles: account.ProfilesOf(account.Profile{Kind: "profile"})}, account.Nobody))
		said := map[string]bool{"signed_out_at": true, "profile": true}
		tables := live(t, url)
		for _, table := range slices.Sorted(maps.Keys(tables)) {
			if !slices.Contains(tables[table], "user_id") && table != m.Table {
				continue
			}
			for _, column := range tables[table] {
				name, personal, known := column, false, true
				if table == m.Table {
					tag := m.TagOf(account.Field(column))
					personal, known = tag == account.Personal, tag != 0
				} else {
					kind, ok := keptOf[table][column]
					personal, known = kind == "personal", ok
				}
				if strings.HasPrefix(table, "profile_") {
					name = "profile." + column
				}
				said[name] = said[name] || personal
				if !known {
					t.Errorf("nobody said what %s.%s tells of a person: see account.TagOf, or keptOf here", table, column)
				}
				if personal != slices.Contains(exported, name) && (personal || table == m.Table) {
					t.Errorf("%s.%s: personal is %v, and it is exported: %v", table, column, personal, !personal)
				}
			}
		}
		for _, name := range exported {
			if !said[name] {
				t.Errorf("%s is exported, and no column is called so", name)
			}
		}
		if len(tables[m.Table]) < 15 || len(tables["sessions"]) == 0 {
			t.Errorf("the schema was not read: %v", fmt.Sprint(tables))
		}
	})
}

// TestReadersSeeWhatIsTheirs holds that one's own export has what he may read.
func TestReadersSeeWhatIsTheirs(t *testing.T) {
	m := own()
	m.Extras = []account.FieldSpec{
		field("nickname", account.ShortText, func(f *account.FieldSpec) { f.Read = account.Self }),
		field("note", account.ShortText, func(f *account.FieldSpec) { f.Read = account.Staff }),
	}
	got := names(m.Data(&account.User{}, account.Self))
	if !slices.Contains(got, "nickname") || slices.Contains(got, "note") || slices.Contains(got, "password") {
		t.Errorf("got %q", got)
	}
}
