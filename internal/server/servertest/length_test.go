package servertest

import "testing"

// TestEveryAnswerSaysItsLength holds that an answer goes out as one piece, and that HEAD has GET's length.
func TestEveryAnswerSaysItsLength(t *testing.T) {
	s := Start(t, "sqlite", Production)
	p := s.signUp(t, "ann@example.com")
	for _, path := range []string{"/v1/me", "/v1/none", "/.well-known/jwks.json", "/api/user/view/", "/healthz"} {
		get := s.Do(t, "GET", path, nil, "Authorization", "Bearer "+p.Access)
		head := s.Do(t, "HEAD", path, nil, "Authorization", "Bearer "+p.Access)
		length := get.Header.Get("Content-Length")
		if length == "" || head.Header.Get("Content-Length") != length || head.Status != get.Status || len(head.Body) > 0 {
			t.Errorf("%s: GET %d has length %q, HEAD %d has %q and %d bytes", path, get.Status, length, head.Status, head.Header.Get("Content-Length"), len(head.Body))
		}
	}
}
