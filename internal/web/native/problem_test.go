package native

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
)

// codes are all codes of the domain, as its source lists them.
func codes(t *testing.T) (all []account.Code) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../account/code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
			text, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			all = append(all, account.Code(text))
		}
		return true
	})
	if len(all) < 20 {
		t.Fatalf("only %d codes were found", len(all))
	}
	return all
}

func TestEveryCodeIsAnswered(t *testing.T) {
	a := New(nil, nil, nil)
	for _, code := range codes(t) {
		refusal := &account.Error{Problems: []account.Problem{{Code: code, Field: "password", Limit: 8}}, RetryAfter: 1500 * time.Millisecond}
		p, ok := a.explain(fmt.Errorf("on its way up: %w", refusal))
		if !ok || p.Status < 400 || p.Status > 499 && p.Status != 503 || p.Code == "" {
			t.Errorf("%s: got %+v", code, p)
		}
		isToken := p.Status == 401 && code != account.InvalidCredentials
		if isToken != strings.Contains(p.challenge, "invalid_token") {
			t.Errorf("%s: got %d with the challenge %q", code, p.Status, p.challenge)
		}
		w := httptest.NewRecorder()
		refuse(w, p)
		if retry := w.Header().Get("Retry-After"); retry != "2" { // 1.5 s, rounded up
			t.Errorf("%s: Retry-After is %q", code, retry)
		}
	}
	if p, ok := a.explain(errors.New("disk full")); ok || p.Status != 500 || strings.Contains(p.Detail, "disk") {
		t.Errorf("a fault: got %+v", p)
	}
}
