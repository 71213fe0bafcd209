package servertest

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/config"
)

// withProfiles declares a profile that is made at sign-up, with fields of each way of reading and writing.
func withProfiles(cfg *config.Config) {
	yes := true
	cfg.Profiles = []config.Profile{{Name: "profile", Auto: true, Fields: []config.Field{
		{Name: "location", Max: new(30), Read: "anyone"},
		{Name: "phone", Unique: true, Null: &yes},
		{Name: "grade", Type: "integer", Read: "anyone", Write: "staff"},
		{Name: "note", Read: "staff", Write: "staff"},
		{Name: "since", Type: "timestamp", Computed: "made"},
	}}}
}

// register signs somebody up at djoser's paths, and in.
func (s *Server) register(t *testing.T, name string) (headers []string) {
	t.Helper()
	s.post(t, 201, "/auth/users/", map[string]any{"username": name, "email": name + "@example.com", "password": goodPassword}, nil)
	var out struct{ Access string }
	s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": name, "password": goodPassword}, &out)
	return bearer(out.Access)
}

// TestProfilesAsTheyAreMounted walks the mount as serve has it, without Django's settings: its own table, on both engines.
func TestProfilesAsTheyAreMounted(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, withProfiles)
		ann, bob := s.register(t, "ann"), s.register(t, "bob")
		say := func(want int, wantBody, method, path string, body any, headers []string) {
			t.Helper()
			if r := s.Send(t, method, "/api/accounts/"+path, body, headers...); r.Status != want || wantBody != "" && !strings.Contains(string(r.Body), wantBody) {
				t.Errorf("%s %s %v\ngot:  %d %s\nwant: %d %s", method, path, body, r.Status, r.Body, want, wantBody)
			}
		}
		say(200, `[{"id":1,"user":"ann","location":"","phone":null,"grade":null,"since":"20`, "GET", "all-profiles/", nil, ann)
		say(200, `},{"id":2,"user":"bob","location":"","grade":null}]`, "GET", "all-profiles/", nil, ann)
		say(200, `{"id":1,"user":"ann","location":"","grade":null}`, "GET", "profile/1/", nil, bob)
		say(200, `"location":"Wales"`, "PATCH", "profile/1/", map[string]any{"location": " Wales ", "phone": "1"}, ann)
		say(403, "", "PATCH", "profile/1/", map[string]any{"location": "Kent"}, bob)
		say(400, `{"phone":["This field must be unique."]}`, "PATCH", "profile/2/", map[string]any{"phone": "1"}, bob)
		say(200, `"phone":"1"`, "PATCH", "profile/1/", map[string]any{"phone": "1"}, ann)
		say(200, `"grade":null`, "PUT", "profile/1/", map[string]any{"grade": 7, "note": "good", "since": "2020-01-01T00:00:00Z", "id": 9, "user": "eve"}, ann)
		say(400, `{"user":["This field must be unique."]}`, "POST", "all-profiles/", map[string]any{"location": "Kent"}, ann)
		say(404, "", "GET", "profile/99999999999999999999/", nil, ann)
		say(404, `{"detail":"No userProfile matches the given query."}`, "DELETE", "profile/3/", nil, ann)
		say(204, "", "DELETE", "profile/2/", nil, bob)
		say(404, "", "DELETE", "profile/2/", nil, bob)
		say(201, `{"id":3,"user":"bob","location":"Kent","phone":null`, "POST", "all-profiles/", map[string]any{"location": "Kent"}, bob)
		s.post(t, 204, "/auth/users/set_username/", map[string]any{"new_username": "rob", "current_password": goodPassword}, nil, bob...)
		say(200, `"user":"rob"`, "GET", "profile/3/", nil, ann)
		if r := s.Send(t, "DELETE", "/auth/users/me/", map[string]any{"current_password": goodPassword}, bob...); r.Status != 204 {
			t.Fatalf("delete bob: got %d %s", r.Status, r.Body)
		}
		say(404, "", "GET", "profile/3/", nil, ann)
		s.faultless(t)
	})
}

// TestOneProfileOfManyIsMade makes somebody's profile many times at once: one request does, the others are told.
func TestOneProfileOfManyIsMade(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, withProfiles)
		ann := s.register(t, "ann")
		if r := s.Do(t, "DELETE", "/api/accounts/profile/1/", nil, ann...); r.Status != 204 {
			t.Fatalf("delete: got %d %s", r.Status, r.Body)
		}
		counts := map[int]int{}
		for _, status := range together(8, func(int) int {
			return s.Send(t, "POST", "/api/accounts/all-profiles/", map[string]any{"location": "Kent"}, ann...).Status
		}) {
			counts[status]++
		}
		if counts[201] != 1 || counts[400] != 7 {
			t.Errorf("got:  %v\nwant: 201 once, 400 seven times", counts)
		}
		s.faultless(t)
	})
}

// TestAPutGivesWhatIsRequired holds that a PUT and a POST give the required fields, as a serializer has it, and a PATCH need not.
func TestAPutGivesWhatIsRequired(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(cfg *config.Config) {
		yes := true
		cfg.Profiles = []config.Profile{{Name: "profile", Fields: []config.Field{{Name: "zip", Required: &yes, Max: new(5), Read: "anyone"}, {Name: "city"}}}}
	})
	ann := s.register(t, "ann")
	const missing = `400 {"zip":["This field is required."]}`
	for _, tt := range []struct {
		method, path, body, want string
	}{
		{"POST", "all-profiles/", `{"city": "Cardiff"}`, missing},
		{"POST", "all-profiles/", `{"zip": "CF101"}`, `201 {"id":1,"user":"ann","zip":"CF101","city":""}`},
		{"PUT", "profile/1/", `{"city": "Cardiff"}`, missing},
		{"PATCH", "profile/1/", `{"city": "Cardiff"}`, `200 {"id":1,"user":"ann","zip":"CF101","city":"Cardiff"}`},
		{"PUT", "profile/1/", `{"zip": "CF102"}`, `200 {"id":1,"user":"ann","zip":"CF102","city":"Cardiff"}`},
	} {
		r := s.Send(t, tt.method, "/api/accounts/"+tt.path, json.RawMessage(tt.body), ann...)
		if got := fmt.Sprint(r.Status, " ", string(r.Body)); got != tt.want {
			t.Errorf("%s %s %s\ngot:  %s\nwant: %s", tt.method, tt.path, tt.body, got, tt.want)
		}
	}
}

// TestProfilesThatNobodyMayRead holds that a mount shows no names of people whose profiles are theirs alone, and
// an address to its owner only.
func TestProfilesThatNobodyMayRead(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ read, list, one string }{
		{"self", `[{"id":2,"user":"bob@example.com","location":""}]`, "404"},
		{"anyone", `[{"id":1,"user":"","location":""},{"id":2,"user":"bob@example.com","location":""}]`, "200"},
	} {
		t.Run(tt.read, func(t *testing.T) {
			s := Start(t, "sqlite", func(cfg *config.Config) {
				cfg.Profiles = []config.Profile{{Name: "profile", Auto: true, Fields: []config.Field{{Name: "location", Read: tt.read}}}}
			})
			s.signUp(t, "ann@example.com") // takes no user name
			s.signUp(t, "bob@example.com")
			var out struct{ Access string }
			s.post(t, 200, "/auth/jwt/create/", map[string]any{"username": "bob@example.com", "password": goodPassword}, &out)
			r := s.Do(t, "GET", "/api/accounts/all-profiles/", nil, bearer(out.Access)...)
			if string(r.Body) != tt.list {
				t.Errorf("the list\ngot:  %d %s\nwant: %s", r.Status, r.Body, tt.list)
			}
			if r := s.Do(t, "GET", "/api/accounts/profile/1/", nil, bearer(out.Access)...); fmt.Sprint(r.Status) != tt.one {
				t.Errorf("another's profile\ngot:  %d %s\nwant: %s", r.Status, r.Body, tt.one)
			}
		})
	}
}

// TestAProfileOfAnotherKind mounts the preset twice under one prefix, beside djoser's paths.
func TestAProfileOfAnotherKind(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(cfg *config.Config) {
		withProfiles(cfg)
		cfg.Fields = []config.Field{{Name: "role", Type: "choice", Choices: []string{"Teacher", "Student"}, Default: "Student"}}
		cfg.Profiles = append(cfg.Profiles, config.Profile{Name: "teacher", Role: "Teacher", Auto: true, Fields: []config.Field{{Name: "subject", Read: "anyone"}}})
		cfg.Mounts = map[string]config.Mount{
			"djoser": {}, "profiles": {},
			"teachers": {Preset: "profiles", Profile: "teacher", Paths: map[string]string{"all-profiles": "teachers", "profile": "teacher/{id}"}},
		}
	})
	ann := s.register(t, "ann")
	s.post(t, 201, "/auth/users/", map[string]any{"username": "tom", "password": goodPassword, "role": "Teacher"}, nil)
	for path, want := range map[string]string{
		"teachers": `200 [{"id":1,"user":"tom","subject":""}]`, "teacher/1": `200 {"id":1,"user":"tom","subject":""}`,
		"teacher/x": `404 {"detail":"No userProfile matches the given query."}`, "teacher/2": `404 {"detail":"No userProfile matches the given query."}`,
	} {
		if r := s.Do(t, "GET", "/api/accounts/"+path, nil, ann...); fmt.Sprint(r.Status, " ", string(r.Body)) != want {
			t.Errorf("%s\ngot:  %d %s\nwant: %s", path, r.Status, r.Body, want)
		}
	}
	if r := s.Do(t, "GET", "/api/accounts/all-profiles/", nil, ann...); r.Status != 200 {
		t.Errorf("the other mount of the prefix: got %d %s", r.Status, r.Body)
	}
	want := `{"user":["This profile belongs to another role."]}`
	if r := s.Send(t, "POST", "/api/accounts/teachers", map[string]any{"subject": "Latin"}, ann...); r.Status != 400 || string(r.Body) != want {
		t.Errorf("a student makes a teacher's profile\ngot:  %d %s\nwant: 400 %s", r.Status, r.Body, want)
	}
}

// sqlOn runs a statement past a server on either engine.
func (s *Server) sqlOn(t *testing.T, engine, text string) {
	t.Helper()
	if engine == "postgres" {
		s.sql(t, text)
		return
	}
	db, err := sql.Open("sqlite", strings.TrimPrefix(s.Config.DatabaseURL, "sqlite:"))
	if err == nil {
		_, err = db.ExecContext(t.Context(), text)
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

// TestAProfileThatAnotherProgramChanges holds that memory serves no stale profile of a table that is another
// program's. Nobody tells of a change there on PostgreSQL, so nothing is remembered, and the very next request
// sees it; on SQLite any change of the file is seen.
func TestAProfileThatAnotherProgramChanges(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(cfg *config.Config) {
			cfg.Profiles = []config.Profile{{Name: "profile", Table: "app_profile", Auto: true, Fields: []config.Field{{Name: "location", Read: "anyone"}}}}
		})
		if strings.Contains(string(s.Do(t, "GET", "/metrics", nil).Body), "\ndoorward_feed_age_seconds ") {
			s.awaitFeed(t)
		}
		p := s.signUp(t, "ann@example.com")
		location := func() string {
			var out struct{ Profile struct{ Location string } }
			s.Do(t, "GET", "/v1/me", nil, bearer(p.Access)...).JSON(t, &out)
			return out.Profile.Location
		}
		for range 5 {
			if got := location(); got != "" {
				t.Fatalf("at first the location is %q", got)
			}
		}
		s.sqlOn(t, engine, `update app_profile set location = 'Kent'`)
		for begin := time.Now(); location() != "Kent"; time.Sleep(time.Millisecond) {
			if engine == "postgres" || time.Since(begin) > 10*time.Second {
				t.Fatalf("after %v the location is still the old one", time.Since(begin))
			}
		}
		s.faultless(t)
	})
}
