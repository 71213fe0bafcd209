package drf

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"doorward/internal/account"
)

// TestThrottle: anonymous requests count in both rates, a user's in his own; a refusal counts in none.
func TestThrottle(t *testing.T) {
	now := time.Unix(1790000000, 0)
	throttle := &Throttle{Anonymous: Rate{2, time.Minute}, User: Rate{3, time.Minute}, Now: func() time.Time { return now }}
	ann, bob := &account.Principal{User: account.User{ID: 1}}, &account.Principal{User: account.User{ID: 2}}
	for i, tt := range []struct {
		who   *account.Principal
		after time.Duration
		want  string // of Retry-After; "": let in
	}{
		{nil, 0, ""},
		{nil, 10 * time.Second, ""},
		{nil, 0, "50"},
		{nil, 500 * time.Millisecond, "50"},
		{ann, 0, ""},
		{ann, 0, ""},
		{ann, 0, ""},
		{ann, 0, "60"},
		{bob, 0, ""},
		{nil, 49*time.Second + 500*time.Millisecond, ""}, // the first one is a minute old
		{nil, 0, "10"},
	} {
		now = now.Add(tt.after)
		err := throttle.judge(httptest.NewRecorder(), tt.who)
		got := ""
		var f *Failure
		if errors.As(err, &f) {
			got = f.Header.Get("Retry-After")
		}
		if got != tt.want || f != nil && f.Status != http.StatusTooManyRequests {
			t.Errorf("request %d: got %q, %v, want %q", i+1, got, err, tt.want)
		}
	}
	if err := (*Throttle)(nil).judge(httptest.NewRecorder(), nil); err != nil {
		t.Errorf("without a throttle: %v", err)
	}
}
