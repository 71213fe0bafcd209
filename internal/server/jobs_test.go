package server

import (
	"bytes"
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"doorward/internal/config"
)

func TestTheJobThatKeepsKeys(t *testing.T) {
	cfg := config.Default()
	cfg.DatabaseURL, cfg.SecretKey = "sqlite:"+filepath.Join(t.TempDir(), "doorward.db"), "a secret key of thirty-two bytes, or more"
	clock := NewClock(time.Now)
	s, err := New(t.Context(), cfg, Options{Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	// step turns the clock, runs the job, and reports whether the published keys are others.
	step := func(d time.Duration) bool {
		before := s.Accounts().JWKS()
		clock.Advance(d)
		for _, job := range []func(context.Context) error{s.keepKeys, s.home.accounts.LoadKeys} {
			if err := job(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return !bytes.Equal(before, s.Accounts().JWKS())
	}
	for _, tt := range []struct {
		name string
		d    time.Duration
		want bool
	}{
		{"at once", 0, false},
		{"a minute before its time", rotateEvery - time.Minute, false},
		{"in its time", time.Minute, true},
		{"right after, which changes nothing", 0, false},
		{"when the last token of the old key is dead, which takes it away", 7 * time.Minute, true},
		{"after that", time.Hour, false},
	} {
		if got := step(tt.d); got != tt.want {
			t.Errorf("%s: the keys changed: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestAClockIsTurned(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	c := NewClock(func() time.Time { return at })
	c.Advance(time.Hour)
	c.Advance(-time.Minute)
	if got := c.Now().Sub(at); got != 59*time.Minute {
		t.Errorf("advanced: got %s", got)
	}
	c.Set(at.AddDate(-1, 0, 0))
	if got := c.Now(); !got.Equal(at.AddDate(-1, 0, 0)) {
		t.Errorf("set: got %s", got)
	}
	c.Restore()
	if got := c.Now(); !got.Equal(at) {
		t.Errorf("restored: got %s", got)
	}
}
