// Package account is the domain: who people are, how they sign in, what ends a session. Every
// dialect calls the same Service; what differs between mounts is a Policy passed with the call.
// It speaks in codes and knows no HTTP, no SQL, and no dialect's name.
package account

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"doorward/internal/password"
	"doorward/internal/token"
)

// Options are what a Service stands on.
type Options struct {
	Store Store
	Pool  *password.Pool
	Root  token.Root
	// SecretKey signs shared tokens; the Fallbacks still verify.
	SecretKey token.Secret
	Fallbacks []token.Secret
	// Remember answers reads from memory. Only where every change by another program is told by
	// Forget or Heed.
	Remember bool
	// Fresh reports whether all was told that memory has to know by now; where it was not, rows are
	// read. It is asked after memory was. Nil: it always was.
	Fresh func() bool
	// Spread waits until all nodes have heard what was committed of a user, and reports whether they
	// have. Nil: there are no others.
	Spread func(ctx context.Context, user int64) bool
	// Composer writes the mails; nil: none are sent. WakeMail is called after a commit that may
	// have put one into the outbox, and returns at once, or, in development, when it was sent.
	Composer Composer
	WakeMail func(context.Context)
	// Beat is what the time of a refused sign-in is rounded up to; 0: not at all.
	Beat time.Duration
	Now  func() time.Time
	Log  *slog.Logger // of what happens in the background
}

// Service is the one set of rules under all dialects.
type Service struct {
	store   Store
	pool    *password.Pool
	root    token.Root
	shared  []*token.Key // the first one signs
	refresh *token.RefreshTokens
	// browsers makes the texts of browsers' sessions, under a key of their own.
	browsers *token.RefreshTokens
	sealer   *token.Sealer
	salt     atomic.Uint32 // of sealed token ids
	box      *token.Box
	ids      *token.IDs
	mailBox  *token.Box
	links    *token.Links
	signer   *token.Signer // of keys that verify addresses
	// opaqueKey makes opaque tokens, opaqueBox holds those of others.
	opaqueKey token.Secret
	opaqueBox *token.Box
	decoy     *token.Key // checks the tokens of users who are not there, for equal work
	now       func() time.Time
	log       *slog.Logger

	keys        atomic.Pointer[token.KeySet]
	keysVersion atomic.Uint64 // raised when keys are other ones

	composer Composer
	wakeMail func(context.Context)

	likeness token.Secret // draws whom somebody unknown is taken for
	crowd    atomic.Pointer[crowd]
	beat     time.Duration

	people   directory
	profiled map[string]*directory // by the kind of profile

	hot    *hot // nil: every request reads rows
	spread func(ctx context.Context, user int64) bool

	background sync.WaitGroup
	rehashing  chan struct{} // holds one: a second rehash waits for the next sign-in
	stop       context.CancelFunc
	stopping   context.Context
}

// New makes a Service. Close it when nothing calls it any more.
func New(o Options) *Service {
	s := &Service{
		store: o.Store, pool: o.Pool, root: o.Root, now: o.Now, log: o.Log,
		refresh:   token.NewRefreshTokens(o.Root.Key("refresh tokens")),
		browsers:  token.NewRefreshTokens(o.Root.Key("browser sessions")),
		sealer:    token.NewSealer(o.Root.Key("jti")),
		box:       token.NewBox(o.Root.Key("signing keys at rest")),
		ids:       token.NewIDs(o.Root.Key("token ids")),
		mailBox:   token.NewBox(o.Root.Key("mails at rest")),
		likeness:  o.Root.Key("likeness of the unknown"),
		beat:      o.Beat,
		links:     token.NewLinks(o.SecretKey, o.Fallbacks...),
		signer:    token.NewSigner(o.SecretKey, o.Fallbacks...),
		opaqueKey: o.Root.Key("opaque tokens"),
		opaqueBox: token.NewBox(o.Root.Key("opaque tokens at rest")),
		composer:  o.Composer,
		wakeMail:  o.WakeMail,
		decoy:     token.HMACKey(token.HS256, "", token.NewSecret().Bytes()),
		rehashing: make(chan struct{}, 1),
		profiled:  map[string]*directory{},
	}
	for i := range o.Store.Model().Profiles {
		kind := o.Store.Model().Profiles[i].Name
		s.profiled[kind] = directoryOf(kind)
	}
	for _, secret := range append([]token.Secret{o.SecretKey}, o.Fallbacks...) {
		if len(secret.Bytes()) > 0 {
			s.shared = append(s.shared, token.HMACKey(token.HS256, "", secret.Bytes()))
		}
	}
	s.salt.Store(binary.BigEndian.Uint32(token.NewSecret().Bytes()))
	if o.Remember {
		s.hot = newHot(o.Fresh)
	}
	if s.spread = o.Spread; s.spread == nil {
		s.spread = func(context.Context, int64) bool { return true }
	}
	s.stopping, s.stop = context.WithCancel(context.Background())
	return s
}

// Close waits for what runs in the background.
func (s *Service) Close() {
	s.stop()
	s.background.Wait()
}

// Model is the user model.
func (s *Service) Model() *Model { return s.store.Model() }

// Now is the service's time.
func (s *Service) Now() time.Time { return s.now() }

// busy turns the pool's shedding into a refusal, and leaves other errors to be faults.
func busy(err error, action string) error {
	var b password.Busy
	if errors.As(err, &b) {
		return &Error{Problems: []Problem{{Code: Busy}}, RetryAfter: b.RetryAfter}
	}
	return fmt.Errorf("%s: %w", action, err)
}
