//go:build linux

package main

import (
	"context"
	"fmt"
	"strings"
)

// declaredFields are twelve fields of the user and a profile of six, of every kind that people use.
const declaredFields = `
[user.fields.nickname]
max = 30
[user.fields.mobile]
type = "phone"
unique = true
[user.fields.born]
type = "date"
[user.fields.role]
type = "choice"
choices = ["Teacher", "Student"]
default = "Student"
[user.fields.points]
type = "integer"
[user.fields.balance]
type = "decimal"
[user.fields.newsletter]
type = "boolean"
default = "true"
[user.fields.homepage]
type = "url"
[user.fields.about]
type = "long-text"
[user.fields.company]
max = 80
[user.fields.town]
max = 50
[user.fields.seen]
type = "timestamp"

[profile]
auto = true
[profile.fields.title]
max = 5
[profile.fields.dob]
type = "date"
[profile.fields.address]
max = 255
[profile.fields.country]
max = 50
[profile.fields.city]
max = 50
[profile.fields.zip]
max = 5
`

// declaredUser is a sign-up that fills them all.
func declaredUser(i int) string {
	return fmt.Sprintf(`{"email":%q,"password":%q,"nickname":"nick%d","mobile":"+44 20 %07d","born":"1990-02-28","role":"Teacher","points":%d,`+
		`"balance":"12.50","newsletter":false,"homepage":"https://example.com/%d","about":%q,"company":"Example","town":"Cardiff",`+
		`"seen":"2026-01-02T03:04:05Z","profile":{"title":"Ms","dob":"1990-02-28","address":"1 High Street","country":"Wales","city":"Cardiff","zip":"CF101"}}`,
		emailOf("reader", i), thePassword, i, i, i, i, strings.Repeat("words ", 20))
}

// measureFields measures reading one's own account where it has twelve declared fields and a profile.
func (b *bench) measureFields(ctx context.Context, s *scene) error {
	const most = 1.25
	w, err := b.newWorld(ctx, s.engine)
	if err != nil {
		return err
	}
	b.worlds = append(b.worlds, w)
	w.declared = declaredFields
	if err := w.configure(); err != nil {
		return err
	}
	if _, err := w.start(ctx, seeding); err != nil {
		return err
	}
	list, err := collect(ctx, w.target(), b.Users, 201, func(i int) []byte {
		return request("POST", w.addr.String(), "/v1/sign-up", declaredUser(i))
	}, v1.session)
	if err != nil {
		return err
	}
	if _, err := w.restart(ctx); err != nil {
		return err
	}
	t := w.target()
	reqs := each(list, func(x session) []byte { return v1.meRequest(t.host, x.access) })
	beside, err := b.beside(ctx, bareCached)
	if err != nil {
		return err
	}
	p, err := b.repeat(ctx, b.load(t, b.Warm, func() *stream { return cycle("me", t, readers, 200, reqs) }), beside)
	if err != nil {
		return err
	}
	r := &row{Engine: s.engine, Workload: "fields", What: "me, 12 declared fields and a profile, EdDSA", Unit: "CPU µs", Than: bareCached}
	p.fill(r)
	r.judge("≤ 1.25 × "+bareCached, r.Ratio.Median <= most)
	b.add(r)
	return w.stop()
}
