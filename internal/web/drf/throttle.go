package drf

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"doorward/internal/account"
	"doorward/internal/web"
)

// Rate is so many requests in a period; zero: any number.
type Rate struct {
	Requests int
	Period   time.Duration
}

// Throttle counts requests as REST framework's AnonRateThrottle and UserRateThrottle do: all views
// together, by user, or by address for who is nobody, who counts in both. It is what a set of Django's
// settings asks for, in memory and of this process alone; it guards nothing against guessing.
type Throttle struct {
	Anonymous, User Rate
	Now             func() time.Time

	mu   sync.Mutex
	seen map[string][]time.Time // of each key, the oldest first
}

// maxThrottled is how many keys are counted; beyond it counting begins anew.
const maxThrottled = 10_000

// judge counts a request and refuses one too many.
func (t *Throttle) judge(w http.ResponseWriter, who *account.Principal) error {
	if t == nil {
		return nil
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.seen) > maxThrottled || t.seen == nil {
		t.seen = map[string][]time.Time{}
	}
	var wait time.Duration
	if who == nil {
		client := web.Client(w).String()
		wait = max(t.count("anonymous "+client, t.Anonymous), t.count("address "+client, t.User))
	} else {
		wait = t.count("user "+strconv.FormatInt(who.User.ID, 10), t.User)
	}
	if wait == 0 {
		return nil
	}
	seconds := int64((wait + time.Second - 1) / time.Second)
	unit := " seconds."
	if seconds == 1 {
		unit = " second."
	}
	f := Detail(http.StatusTooManyRequests, "Request was throttled. Expected available in "+strconv.FormatInt(seconds, 10)+unit)
	return retry(f, wait)
}

// count adds one to a key, or says how long until there is room (SimpleRateThrottle).
func (t *Throttle) count(key string, r Rate) time.Duration {
	if r.Requests == 0 {
		return 0
	}
	now := t.Now()
	seen := t.seen[key]
	for len(seen) > 0 && !seen[0].After(now.Add(-r.Period)) {
		seen = seen[1:]
	}
	if len(seen) >= r.Requests {
		t.seen[key] = seen
		return max(1, r.Period-now.Sub(seen[0]))
	}
	t.seen[key] = append(seen, now)
	return 0
}
