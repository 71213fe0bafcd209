package servertest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorward/internal/config"
	"doorward/internal/web"
)

// TestNoSecretIsLogged sends 30 secrets by every way in there is, and looks for them in the log at
// debug level and in the files that the server keeps (T6).
func TestNoSecretIsLogged(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", func(c *config.Config) {
		Production(c)
		everyPreset(c)
		c.Metrics.Token, c.SecretKey = "canary-metrics-Q1", "canary-secret-key-Q2 of thirty-two bytes"
	})
	secrets := []string{"canary-metrics-Q1", "canary-secret-key-Q2"}
	var sent []string // those that no file may keep either
	canary := func(what string) string {
		c := fmt.Sprintf("canary-%s-%dQ", what, len(sent))
		sent = append(sent, c)
		secrets = append(secrets, c)
		return c
	}
	password := canary("password")
	everyRoute(t, s, func(m *web.Mount, route *web.Route, path, authorization string) {
		members := map[string]string{}
		for _, f := range route.Input {
			members[f.Name] = canary("body")
			if f.Kind == web.Email {
				members[f.Name] = m.Name + "-canary@example.com"
			}
		}
		body, _ := json.Marshal(members)
		text := strings.NewReplacer(`"`+members["password"]+`"`, `"`+password+`"`).Replace(string(body))
		query, inPath := canary("query"), canary("path")
		for _, target := range []string{path, path + "?token=" + query, path + inPath, path + inPath + "/", path + "%00" + inPath, m.Prefix + inPath + "/" + route.Path} {
			for _, header := range []string{authorization, scheme(m) + " " + canary("token"), "Basic " + canary("basic"), canary("scheme") + " x"} {
				s.Do(t, route.Method, target, strings.NewReader(text), "Content-Type", "application/json", "Authorization", header,
					"User-Agent", "agent", "Cookie", "session="+query, "X-Forwarded-For", query, "Referer", "https://example.com/?t="+query, "X-Request-Id", inPath)
			}
			s.Do(t, route.Method, target, strings.NewReader("{"+text), "Content-Type", "application/json")
			s.Do(t, route.Method, target, strings.NewReader("password="+password), "Content-Type", canary("type")+"/x")
		}
		secrets = append(secrets, strings.TrimPrefix(authorization, scheme(m)+" "))
	})
	s.Do(t, "GET", "/metrics", nil, "Authorization", "Bearer "+canary("bearer"))
	s.raw(t, "GET /"+canary("broken")+" HTTP/1.1\r\nHost: x y\r\n\r\n")
	s.raw(t, canary("method")+" / HTTP/1.1\r\nHost: "+s.Addr+"\r\nConnection: close\r\n\r\n")
	if len(secrets) < 30 {
		t.Fatalf("only %d canaries were sent", len(secrets))
	}
	log := s.Log.String()
	s.faultless(t)
	s.Stop(t)
	log += s.Log.String()
	if strings.Count(log, `"msg":"request"`) < 100 {
		t.Fatalf("the log has few requests: %s", log)
	}
	for _, secret := range secrets {
		if secret != "" && (strings.Contains(log, secret) || strings.Contains(log, url.QueryEscape(secret))) {
			i := strings.Index(log, secret)
			t.Errorf("the log has %s: %s", secret, log[max(0, i-200):min(len(log), i+200)])
		}
	}
	files, _ := filepath.Glob(filepath.Dir(s.Config.KeyFile) + "/*")
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range sent {
			if strings.Contains(secret, "password") && strings.Contains(string(text), secret) {
				t.Errorf("%s has %s", filepath.Base(file), secret)
			}
		}
	}
}

func TestNobodyForgesALogLine(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	const forged = "\n{\"msg\":\"forged\"}\r\n\x1b[31mred\u2028\u0085"
	escaped := url.PathEscape(forged)
	s.Do(t, "GET", "/v1/"+escaped, nil)
	s.Do(t, "GET", "/api/"+escaped+"/", nil)
	s.raw(t, "GET /v1/me HTTP/1.1\r\nHost: "+s.Addr+"\r\nUser-Agent: \x1b[31m\"}{\"msg\":\"forged\"}\r\nConnection: close\r\n\r\n")
	s.raw(t, "G\x1b[31mT / HTTP/1.1\r\nHost: "+s.Addr+"\r\n\r\n")
	for _, path := range []string{"/v1/sign-up", "/v1/sign-in", "/api/user/create/", "/api/user/login/", "/api/accounts/login/"} {
		s.Send(t, "POST", path, map[string]any{"email": forged + "@example.com", "password": forged})
		s.Send(t, "POST", path, map[string]any{"email": "\"" + forged + "\"@example.com", "password": goodPassword})
	}
	s.Send(t, "POST", "/v1/sign-up", map[string]any{"email": "ann@example.com", "password": goodPassword, "name": forged})
	s.Send(t, "POST", "/api/accounts/signup/", john(map[string]any{"name": forged, "phone": forged}))
	s.Do(t, "GET", "/healthz", nil)
	for line := range strings.SplitSeq(strings.TrimSpace(s.Log.String()), "\n") {
		var entry struct{ Msg string }
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Msg == "forged" || strings.ContainsAny(line, "\r\x1b") {
			t.Errorf("the log has the line %q: %v", line, err)
		}
	}
	s.faultless(t)
}
