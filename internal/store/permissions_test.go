package store_test

import (
	"database/sql"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// djangoRights are the tables of Django 3.2 for groups and permissions beside a table of users
// (on SQLite: contract/django_schema.sql), and what Django's first migration puts into them.
func djangoRights(e store.Engine, users, user string) []string {
	serial := "integer NOT NULL PRIMARY KEY AUTOINCREMENT"
	if e == store.PostgreSQL {
		serial = "serial NOT NULL PRIMARY KEY"
	}
	refers := func(column, table string) string {
		return `"` + column + `" integer NOT NULL REFERENCES "` + table + `" ("id") DEFERRABLE INITIALLY DEFERRED`
	}
	texts := []string{
		`CREATE TABLE "django_content_type" ("id" ` + serial + `, "app_label" varchar(100) NOT NULL, "model" varchar(100) NOT NULL)`,
		`CREATE TABLE "auth_permission" ("id" ` + serial + `, ` + refers("content_type_id", "django_content_type") + `, "codename" varchar(100) NOT NULL, "name" varchar(255) NOT NULL)`,
		`CREATE TABLE "auth_group" ("id" ` + serial + `, "name" varchar(150) NOT NULL UNIQUE)`,
		`CREATE TABLE "auth_group_permissions" ("id" ` + serial + `, ` + refers("group_id", "auth_group") + `, ` + refers("permission_id", "auth_permission") + `)`,
		`CREATE TABLE "` + users + `_groups" ("id" ` + serial + `, ` + refers(user, users) + `, ` + refers("group_id", "auth_group") + `)`,
		`CREATE TABLE "` + users + `_user_permissions" ("id" ` + serial + `, ` + refers(user, users) + `, ` + refers("permission_id", "auth_permission") + `)`,
	}
	for _, index := range []struct{ table, columns string }{
		{"auth_group_permissions", `"group_id", "permission_id"`},
		{users + "_groups", `"` + user + `", "group_id"`},
		{users + "_user_permissions", `"` + user + `", "permission_id"`},
		{"django_content_type", `"app_label", "model"`},
		{"auth_permission", `"content_type_id", "codename"`},
	} {
		texts = append(texts, `CREATE UNIQUE INDEX "`+index.table+`_uniq" ON "`+index.table+`" (`+index.columns+`)`)
	}
	return append(texts,
		`INSERT INTO django_content_type (app_label, model) VALUES ('auth', 'permission'), ('auth', 'group'), ('blog', 'post'), ('blog', 'page')`)
}

// adoptedRights is a database in which Django has its tables of groups, with a table of users.
func adoptedRights(t *testing.T, url, user string) account.Store {
	t.Helper()
	engine := store.PostgreSQL
	if strings.HasPrefix(url, "sqlite:") {
		engine = store.SQLite
	}
	raw(t, url, append(djangoSpaUser[engine][:1:1], djangoRights(engine, "spauser_spauser", user)...)...)
	return migrated(t, url, storetest.SpaUser())
}

func TestRightsInDjangosTables(t *testing.T) {
	for name, url := range engines {
		for _, user := range []string{"user_id", "spauser_id"} {
			t.Run(string(name)+" "+user, func(t *testing.T) {
				t.Parallel()
				storetest.RunRights(t, func(t *testing.T, _ *account.Model) account.Store { return adoptedRights(t, url(t), user) }, storetest.SpaUser)
			})
		}
	}
}

// TestWhatDjangoSees holds that what is granted here lies where Django looks for it, and the other way round.
func TestWhatDjangoSees(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		ctx := t.Context()
		d := adoptedRights(t, url, "spauser_id").(*store.DB)
		raw(t, url, `INSERT INTO auth_permission (content_type_id, codename, name) VALUES (3, 'publish', 'Can publish'), (4, 'publish', 'Can publish too')`)
		var ann, group int64
		err := d.Update(ctx, func(w account.Writer) (err error) {
			if ann, err = w.InsertUser(ctx, &account.User{Email: "ann@example.com", IsActive: true}); err != nil {
				return err
			}
			if group, err = w.InsertGroup(ctx, "editors"); err != nil {
				return err
			}
			known, err := w.Permission(ctx, "blog", "publish")
			if err != nil {
				return err
			}
			fresh, strange := account.Permission{App: "blog", Codename: "print", Name: "P"}, account.Permission{App: "elsewhere", Codename: "print", Name: "P"}
			for _, f := range []func() error{
				func() error { return w.InsertPermission(ctx, &fresh) },
				func() error { return w.InsertPermission(ctx, &strange) },
				func() error { return w.SetMember(ctx, group, ann, true) },
				func() error { return w.SetGroupPermission(ctx, group, &known, true) },
				func() error { return w.SetUserPermission(ctx, ann, &strange, true) },
			} {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		line := func(text string) (all string) {
			rows, err := d.Pool().QueryContext(ctx, text)
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			for rows.Next() {
				var a, b, c sql.NullString
				if err := rows.Scan(&a, &b, &c); err != nil {
					t.Fatal(err)
				}
				all += a.String + " " + b.String + " " + c.String + "; "
			}
			return all
		}
		for text, want := range map[string]string{
			`select c.app_label, c.model, p.codename from auth_permission p join django_content_type c on c.id = p.content_type_id order by p.id`:                                   "blog post publish; blog page publish; blog post print; elsewhere doorward print; ",
			`select g.name, p.codename, '' from auth_group_permissions x join auth_group g on g.id = x.group_id join auth_permission p on p.id = x.permission_id`:                   "editors publish ; ",
			`select u.email, g.name, '' from spauser_spauser_groups x join spauser_spauser u on u.id = x.spauser_id join auth_group g on g.id = x.group_id`:                         "ann@example.com editors ; ",
			`select u.email, p.codename, '' from spauser_spauser_user_permissions x join spauser_spauser u on u.id = x.spauser_id join auth_permission p on p.id = x.permission_id`: "ann@example.com print ; ",
			`select name, '', '' from groups`: "",
		} {
			if got := line(text); got != want {
				t.Errorf("%s\ngot:  %s\nwant: %s", text, got, want)
			}
		}
		// Django grants the other permission of that name: it is one and the same to who asks, and revoked with it.
		raw(t, url, `INSERT INTO spauser_spauser_user_permissions (spauser_id, permission_id) VALUES (1, 2)`)
		var texts []string
		err = d.Update(ctx, func(w account.Writer) (err error) {
			if texts, err = w.PermissionsOf(ctx, ann, 10); err != nil {
				return err
			}
			p, err := w.Permission(ctx, "blog", "publish")
			if err != nil {
				return err
			}
			return w.SetUserPermission(ctx, ann, &p, false)
		})
		if got, want := strings.Join(texts, " "), "blog.publish elsewhere.print"; err != nil || got != want {
			t.Errorf("permissions: got %q, %v, want %q", got, err, want)
		}
		if got := line(`select cast(permission_id as text), '', '' from spauser_spauser_user_permissions where permission_id = 2`); got != "" {
			t.Errorf("revoked: got %q, want none", got)
		}
		// Rows that refer to a user go with him.
		err = d.Update(ctx, func(w account.Writer) error { _, err := w.DeleteUser(ctx, ann); return err })
		if err != nil {
			t.Errorf("delete a user with rights: %v", err)
		}
	})
}
