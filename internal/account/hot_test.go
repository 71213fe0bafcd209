package account

import (
	"testing"
	"time"
)

// TestTooManyEndedSessions ends more sessions than are noted: then the tokens are forgotten with them.
func TestTooManyEndedSessions(t *testing.T) {
	at := time.Unix(1790000000, 0)
	s := &Service{hot: newHot(nil), now: func() time.Time { return at }}
	for id := int64(1); id < maxEnded; id++ {
		s.end(id, time.Minute)
	}
	if got := s.hot.generation.Load(); got != 0 || !s.hot.ended.has(1) || !s.hot.ended.has(maxEnded-1) {
		t.Errorf("with room left\ngot:  %d times forgotten\nwant: none, and every session is noted", got)
	}
	s.end(maxEnded, time.Minute)
	if got := s.hot.generation.Load(); got != 1 || len(s.hot.ended.until) != 0 {
		t.Errorf("without room\ngot:  %d times forgotten, %d sessions noted\nwant: once, and none", got, len(s.hot.ended.until))
	}
}

// TestEndedSessionsAreForgotten goes on ending sessions for longer than a token of one lives.
func TestEndedSessionsAreForgotten(t *testing.T) {
	at := time.Unix(1790000000, 0)
	s := &Service{hot: newHot(nil), now: func() time.Time { return at }}
	s.hot.lasts(&Policy{Tokens: Tokens{Access: 5 * time.Minute}})
	s.hot.lasts(&Policy{Tokens: Tokens{Access: time.Minute}})
	if err := s.Heed(t.Context(), []Change{{Session: 1}}); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{{10 * time.Minute, true}, {time.Minute + time.Second, false}} {
		at = at.Add(tt.after)
		for id := int64(0); id < 1024; id++ {
			s.end(at.UnixMicro()+id, time.Minute)
		}
		if got := s.hot.ended.has(1); got != tt.want {
			t.Errorf("%v later: it is noted: %v, want %v", tt.after, got, tt.want)
		}
	}
}
