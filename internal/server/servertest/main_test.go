package servertest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/server"
	"doorward/internal/web"
	"doorward/internal/web/native"
)

func TestMain(m *testing.M) {
	flag.Parse()
	if f := flag.Lookup("test.parallel"); f.Value.String() == strconv.Itoa(runtime.GOMAXPROCS(0)) {
		_ = f.Value.Set("6") // they wait for disks and databases
	}
	code := m.Run()
	if code == 0 {
		if err := goleak.Find(); err != nil {
			fmt.Fprintln(os.Stderr, "servers were stopped, goroutines are left:", err)
			code = 1
		}
	}
	os.Exit(code)
}

const goodPassword = "correct-horse-9"

// onEngines runs a test on each engine, side by side.
func onEngines(t *testing.T, test func(t *testing.T, engine string)) {
	t.Helper()
	for _, engine := range Engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			test(t, engine)
		})
	}
}

// everyPreset mounts every preset there is below its own name.
func everyPreset(cfg *config.Config) {
	cfg.Mounts = map[string]config.Mount{}
	for _, name := range server.Presets() {
		cfg.Mounts[name] = config.Mount{Prefix: "/" + name + "/"}
	}
	cfg.Profiles = []config.Profile{{Name: "profile", Auto: true, Fields: []config.Field{{Name: "location", Max: new(30), Read: "anyone"}}}}
}

// pair is what /v1/ gives at a sign-in.
type pair struct {
	User struct {
		ID    int64  `json:"id"`
		Email string `json:"email"`
	} `json:"user"`
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
	Expires int    `json:"expires_in"`
}

// post sends v and holds that the answer has the status; out takes its body, nil drops it.
func (s *Server) post(t testing.TB, want int, path string, v, out any, headers ...string) *Reply {
	t.Helper()
	r := s.Send(t, "POST", path, v, headers...)
	if r.Status != want {
		t.Fatalf("POST %s %v: got %d %s, want %d", path, v, r.Status, r.Body, want)
	}
	if out != nil {
		r.JSON(t, out)
	}
	return r
}

func (s *Server) signUp(t testing.TB, email string) (p pair) {
	t.Helper()
	s.post(t, 201, "/v1/sign-up", map[string]any{"email": email, "password": goodPassword}, &p)
	return p
}

func (s *Server) signIn(t testing.TB, email string) (p pair) {
	t.Helper()
	s.post(t, 200, "/v1/sign-in", map[string]any{"email": email, "password": goodPassword}, &p)
	return p
}

// refresh shows a refresh token and gives the new pair, or the code of the refusal.
func (s *Server) refresh(t testing.TB, token string) (p pair, code string) {
	t.Helper()
	r := s.Send(t, "POST", "/v1/refresh", map[string]any{"refresh_token": token})
	if r.Status == 200 {
		r.JSON(t, &p)
		return p, ""
	}
	return p, r.code(t)
}

// code is the code of a problem.
func (r *Reply) code(t testing.TB) string {
	t.Helper()
	var p struct {
		Status int    `json:"status"`
		Code   string `json:"code"`
	}
	r.JSON(t, &p)
	if p.Status != r.Status || p.Code == "" {
		t.Fatalf("answer %d %s is no problem", r.Status, r.Body)
	}
	return p.Code
}

// me asks /v1/me, and gives "" for a good token or the code of the refusal.
func (s *Server) me(t testing.TB, access string) string {
	t.Helper()
	if r := s.Do(t, "GET", "/v1/me", nil, "Authorization", "Bearer "+access); r.Status != 200 {
		return r.code(t)
	}
	return ""
}

// create registers somebody at tag1's path.
func (s *Server) create(t testing.TB, email, password string) {
	t.Helper()
	s.post(t, 201, "/api/user/create/", map[string]any{"email": email, "password": password}, nil)
}

// login signs in at tag1's path.
func (s *Server) login(t testing.TB, email, password string) string {
	t.Helper()
	var out struct{ Token string }
	s.post(t, 200, "/api/user/login/", map[string]any{"email": email, "password": password}, &out)
	return out.Token
}

// renew exchanges a token at tag1's path.
func (s *Server) renew(t testing.TB, token string) string {
	t.Helper()
	var out struct{ Token string }
	s.post(t, 200, "/api/user/login/refresh/", map[string]any{"token": token}, &out)
	return out.Token
}

// view asks tag1 who a token is: "" or the words of the refusal.
func (s *Server) view(t testing.TB, token string) string {
	t.Helper()
	r := s.Do(t, "GET", "/api/user/view/", nil, "Authorization", "JWT "+token)
	if r.Status == 200 {
		return ""
	}
	return detail(t, r)
}

func detail(t testing.TB, r *Reply) string {
	t.Helper()
	var out struct{ Detail string }
	r.JSON(t, &out)
	return out.Detail
}

// user registers somebody in a mount, past HTTP, and gives a token of his.
func (s *Server) user(t testing.TB, mount, email string) string {
	t.Helper()
	return s.registered(t, mount, account.NewUser{Email: email, Password: goodPassword})
}

// registered is user for somebody who may be of the staff.
func (s *Server) registered(t testing.TB, mount string, n account.NewUser) string {
	t.Helper()
	email := n.Email
	if s.Policy(mount).Login == account.Username {
		n.Username = email
	}
	g, err := s.Accounts().Register(context.Background(), s.Policy(mount), n)
	if err != nil {
		t.Fatalf("register %s in %s: %v", email, mount, err)
	}
	return g.Access
}

// somebodys reports whether a route is for those who are signed in: all of it, or the user that it names.
func somebodys(r *web.Route) bool {
	return r.Access != web.Anyone || strings.Contains(r.Path, "{id}")
}

// scheme is the word before a token of this mount.
func scheme(m *web.Mount) string {
	if isNative(m) || strings.Contains(m.Name, "simplejwt") || m.Name == "djoser" || m.Name == "profiles" || m.Name == "accounts" || m.Name == "djrestauth" {
		return "Bearer"
	}
	return "JWT"
}

// isPage reports whether a route answers people, with HTML.
func isPage(r *web.Route) bool { return r.Op == "account_confirm_email" }

// challenge is the word that a mount asks for.
func challenge(m *web.Mount) string {
	if m.Name == "restauth" { // its keys come first
		return "Token"
	}
	return scheme(m)
}

// family reports whether two mounts have their sessions together.
func family(a, b string) bool {
	typed := []string{"accounts", "djoser", "djrestauth", "profiles", "simplejwt"}
	return slices.Contains(typed, a) && slices.Contains(typed, b)
}

func isNative(m *web.Mount) bool {
	_, ok := m.Dialect.(*native.API)
	return ok
}

// together runs f n times at once, and gives what each returned.
func together[T any](n int, f func(i int) T) []T {
	results := make([]T, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			results[i] = f(i)
		})
	}
	close(start)
	all.Wait()
	return results
}

// raw writes text to a new connection, as it is, and reads one answer; nil when the server hung
// up without one.
func (s *Server) raw(t testing.TB, text string) *Reply {
	t.Helper()
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatalf("dial: %v", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	go func() { _, _ = io.WriteString(conn, text) }() // the server may stop reading
	method, _, _ := strings.Cut(text, " ")
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return nil
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	return &Reply{Status: res.StatusCode, Header: res.Header, Body: body}
}

// faultless holds that nothing in the log is a fault or a panic, and that the server still answers.
func (s *Server) faultless(t testing.TB) {
	t.Helper()
	for line := range strings.SplitSeq(s.Log.String(), "\n") {
		if strings.Contains(line, `"msg":"fault"`) || strings.Contains(line, `"msg":"panic"`) || strings.Contains(line, "http: ") {
			t.Errorf("the log has %s", line)
		}
	}
	if r := s.Do(t, "GET", "/healthz", nil); r.Status != 200 {
		t.Errorf("afterwards /healthz answers %d %s", r.Status, r.Body)
	}
}

// answered holds what every answer has.
func answered(t testing.TB, what string, r *Reply) {
	t.Helper()
	if r == nil {
		t.Errorf("%s: the server hung up", what)
		return
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "same-origin"} {
		if got := r.Header.Get(name); got != want {
			t.Errorf("%s: %d with %s %q, want %q", what, r.Status, name, got, want)
		}
	}
	if id := r.Header.Get("X-Request-Id"); len(id) != 16 {
		t.Errorf("%s: %d with X-Request-Id %q", what, r.Status, id)
	}
}

// refused holds that r is a clear refusal in the words of m's dialect.
func refused(t testing.TB, what string, m *web.Mount, r *Reply) {
	t.Helper()
	if r.Status < 400 || r.Status > 499 {
		t.Errorf("%s: got %d %.300s, want a refusal", what, r.Status, r.Body)
		return
	}
	wellSaid(t, what, m, r)
}

// wellSaid holds that r, if it is a refusal, has the shape of m's dialect.
func wellSaid(t testing.TB, what string, m *web.Mount, r *Reply) {
	t.Helper()
	answered(t, what, r)
	if r.Status >= 500 {
		t.Errorf("%s: got %d %.300s", what, r.Status, r.Body)
	}
	if got := r.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: %d with Cache-Control %q, want no-store", what, r.Status, got)
	}
	if r.Status < 400 {
		return
	}
	kind, err := r.Header.Get("Content-Type"), error(nil)
	switch {
	case isNative(m):
		err = problemShape(r)
	case r.Status == 404 && strings.HasPrefix(kind, "text/html"): // Django's page where no view is
	case r.Status == 400 && strings.HasPrefix(kind, "text/html") && !strings.Contains(what, " "): // Django's page for a foreign host
	case r.Status == 400 && len(r.Body) == 0 && strings.Contains(what, "/resend_activation/"): // as djoser does
	default:
		err = drfShape(r)
	}
	if err != nil {
		t.Errorf("%s: %d %s %.300s: %v", what, r.Status, kind, r.Body, err)
	}
}

func problemShape(r *Reply) error {
	var p struct {
		Type, Title, Code, Detail string
		Status                    int
		Errors                    []struct{ Field, Code, Detail string }
	}
	d := json.NewDecoder(bytes.NewReader(r.Body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return err
	}
	if p.Status != r.Status || p.Code == "" || p.Title == "" || p.Type != "urn:doorward:problem:"+p.Code {
		return fmt.Errorf("is no problem")
	}
	for _, e := range p.Errors {
		if e.Field == "" || e.Code == "" || e.Detail == "" {
			return fmt.Errorf("says nothing about member %q", e.Field)
		}
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/problem+json" {
		return fmt.Errorf("is no application/problem+json")
	}
	return nil
}

// drfShape takes {"detail": "…"}, with SimpleJWT's "code" and "messages" or without, {field: ["…"]} and ["…"].
func drfShape(r *Reply) error {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return fmt.Errorf("is no application/json")
	}
	var list []string
	if json.Unmarshal(r.Body, &list) == nil && len(list) > 0 {
		return nil
	}
	var object map[string]any
	if err := json.Unmarshal(r.Body, &object); err != nil {
		return err
	}
	if code, ok := object["code"].(string); ok && code != "" {
		delete(object, "code")
		delete(object, "messages")
	}
	if text, ok := object["detail"].(string); ok && text != "" && len(object) == 1 {
		return nil
	}
	return fieldShape(object)
}

// fieldShape takes a list of texts for each field, and for an object the same again.
func fieldShape(object map[string]any) error {
	for name, v := range object {
		if inner, ok := v.(map[string]any); ok {
			if err := fieldShape(inner); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			continue
		}
		texts, ok := v.([]any)
		if !ok || len(texts) == 0 {
			return fmt.Errorf("%s has no list of texts", name)
		}
	}
	if len(object) == 0 {
		return fmt.Errorf("says nothing")
	}
	return nil
}
