package account

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"doorward/internal/token"
)

// Principal is somebody who showed a good token, in one request: it is not for several goroutines.
type Principal struct {
	User    User
	Session Session // its ID is 0 when the token was made by no session of ours
	// Level is the second factor that the token was verified with; "" for none.
	Level string

	opaque  bool   // he showed an opaque token
	browser bool   // he showed a browser's session
	proved  string // what he proved to be his password; see CheckPassword
	mark    int64  // what names the session in the token
	claims  token.Claims
}

// judgeTimeout bounds the judging of a token where the database does not answer.
const judgeTimeout = 2 * time.Second

// late calls the database away where it was a bound of ours that ended a reading, not one of who asked with ctx.
func late(ctx context.Context, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil && Refusal(err) == nil {
		return &UnavailableError{Err: err}
	}
	return err
}

// Authenticate judges a token. Codes: those of tokens, and UserDisabled.
func (s *Service) Authenticate(ctx context.Context, p *Policy, raw string) (*Principal, error) {
	t, err := token.Parse(raw)
	if err != nil {
		return nil, fail(TokenMalformed)
	}
	judging, cancel := context.WithTimeout(ctx, judgeTimeout)
	defer cancel()
	var who *Principal
	err = s.store.View(judging, func(r Reader) error {
		who, err = s.judgeToken(judging, r, p, t)
		return err
	})
	if err = late(ctx, err); err != nil && Refusal(err) == nil {
		return nil, fmt.Errorf("judge a token: %w", err)
	}
	return who, err
}

// judgeToken says who t is of. Signature first, then times, then the user, then the session.
func (s *Service) judgeToken(ctx context.Context, r Reader, p *Policy, t *token.Unverified) (*Principal, error) {
	if p.Tokens.Typed != nil {
		return s.judgeTyped(ctx, r, p, t)
	}
	who := &Principal{}
	var err error
	if p.Tokens.Signing == PerUser {
		err = s.verifyPerUser(ctx, r, p, t, who)
	} else {
		err = s.verifyThenFind(ctx, r, p, t, who)
	}
	if err != nil {
		return nil, err
	}
	if err := s.judgeName(ctx, r, p, who); err != nil {
		return nil, err
	}
	if !who.User.IsActive {
		return nil, fail(UserDisabled)
	}
	if err := s.judgeSession(ctx, r, p, who); err != nil {
		return nil, err
	}
	return who, nil
}

// verifyPerUser finds the user first, since his row has the key. A token of nobody costs the same
// and reads as one with a bad signature: the key it was made with is gone.
func (s *Service) verifyPerUser(ctx context.Context, r Reader, p *Policy, t *token.Unverified, who *Principal) error {
	id, ok := userID(t.Claims(), p.Tokens.claim(FromUserID))
	if ok {
		var err error
		who.User, err = r.User(ctx, id)
		if errors.Is(err, ErrNotFound) {
			ok = false
		} else if err != nil {
			return fmt.Errorf("read user %d: %w", id, err)
		}
	}
	var key *token.Key
	if ok {
		key = s.userKey(&who.User)
	}
	if key == nil {
		key = s.decoy
	}
	return s.verifyClaims(p, t, key, who)
}

// verifyThenFind checks the signature before it reads a row, so that junk costs no SQL.
func (s *Service) verifyThenFind(ctx context.Context, r Reader, p *Policy, t *token.Unverified, who *Principal) error {
	err := fail(TokenForged) // where there is no key, the one that made it is gone
	for _, key := range s.verifyKeys(p, t) {
		if t.Suits(key) == nil && !s.minted(p, t) {
			break
		}
		if err = s.verifyClaims(p, t, key, who); !errors.Is(err, TokenForged) {
			break
		}
	}
	if err != nil {
		return err
	}
	id, ok := userID(who.claims, p.Tokens.claim(FromUserID))
	if !ok {
		return fail(TokenClaims)
	}
	who.User, err = r.User(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return fail(TokenNamed)
	}
	if err != nil {
		return fmt.Errorf("read user %d: %w", id, err)
	}
	return nil
}

// verifyKeys are the keys that may have signed t. Which published ones there are is no secret, so
// a token of none of them may cost less.
func (s *Service) verifyKeys(p *Policy, t *token.Unverified) []*token.Key {
	if p.Tokens.Keys != nil {
		return p.Tokens.Keys
	}
	if p.Tokens.Signing == Shared {
		return s.shared
	}
	if set := s.keys.Load(); set != nil {
		if key := set.Find(t.Kid(), s.now()); key != nil {
			return []*token.Key{key}
		}
	}
	return nil
}

// minted reports whether t says an id that was made here. A public signature takes fifty times as
// long to judge, and junk has none (docs/adr/0011).
func (s *Service) minted(p *Policy, t *token.Unverified) bool {
	claim := p.Tokens.claim(FromTokenID)
	if p.Tokens.Signing != Published || claim == "" {
		return true
	}
	id, _ := t.Claims().Text(claim)
	return s.ids.Minted(id)
}

// verifyClaims checks the signature and the times of t, and keeps its claims.
func (s *Service) verifyClaims(p *Policy, t *token.Unverified, key *token.Key, who *Principal) error {
	claims, err := t.Verify(key)
	switch {
	case errors.Is(err, token.ErrAlgorithm):
		return fail(TokenAlgorithm)
	case err != nil:
		return fail(TokenForged)
	}
	err = claims.Check(s.now(), p.Tokens.validity())
	switch {
	case errors.Is(err, token.ErrExpired):
		return fail(TokenExpired)
	case errors.Is(err, token.ErrAudience), errors.Is(err, token.ErrIssuer):
		return fail(TokenParty)
	case err != nil:
		return fail(TokenClaims)
	}
	who.claims = claims
	return nil
}

// userID reads a user id: an integer, or digits of the same number, which some libraries write.
func userID(c token.Claims, name string) (int64, bool) {
	id, state := c.Int(name)
	if state == token.WrongType {
		text, state := c.Text(name)
		if state != token.Present {
			return 0, false
		}
		n, err := strconv.ParseInt(text, 10, 64)
		return n, err == nil && n > 0 && strconv.FormatInt(n, 10) == text
	}
	return id, state == token.Present && id > 0
}

// judgeName holds that the user named in a token is the user of its id.
func (s *Service) judgeName(ctx context.Context, r Reader, p *Policy, who *Principal) error {
	claim := p.Tokens.claim(FromLogin)
	if claim == "" {
		return nil
	}
	name, state := who.claims.Text(claim)
	if state != token.Present || name == "" {
		return fail(TokenUnnamed)
	}
	if name == who.User.LoginName(p.Login) {
		return nil
	}
	if !p.Tokens.TrustName {
		return fail(TokenNamed)
	}
	u, err := r.UserByLogin(ctx, p.Login, name, false)
	if errors.Is(err, ErrNotFound) {
		return fail(TokenNamed)
	}
	if err != nil {
		return fmt.Errorf("find the user a token names: %w", err)
	}
	who.User = u
	return nil
}

// judgeSession finds the session of a token and holds that nothing ended it.
func (s *Service) judgeSession(ctx context.Context, r Reader, p *Policy, who *Principal) error {
	ses, err := s.findSession(ctx, r, p, who)
	if errors.Is(err, ErrNotFound) {
		return s.judgeForeign(p, who)
	}
	if err != nil {
		return err
	}
	if ses.UserID != who.User.ID || ses.Mount != p.Mount || !ses.Ended.IsZero() || who.epoch(p, &ses) != who.User.Epoch {
		return fail(TokenEnded)
	}
	who.Session = ses
	return nil
}

// epoch is the one the token was made in: what it says, or what its session says.
func (who *Principal) epoch(p *Policy, ses *Session) uint32 {
	claim := p.Tokens.claim(FromEpoch)
	if claim == "" {
		return ses.Epoch
	}
	epoch, state := who.claims.Int(claim)
	if state != token.Present || epoch < 0 || epoch > int64(ses.Epoch) {
		return ^uint32(0)
	}
	return uint32(epoch)
}

func (s *Service) findSession(ctx context.Context, r Reader, p *Policy, who *Principal) (Session, error) {
	if claim := p.Tokens.claim(FromSession); claim != "" {
		text, _ := who.claims.Text(claim)
		id, ok := parseSessionID(text)
		if !ok {
			return Session{}, fail(TokenClaims)
		}
		return r.Session(ctx, id)
	}
	who.mark = markOf(&p.Tokens, who.claims)
	return r.SessionByMark(ctx, who.User.ID, p.Mount, who.mark)
}

// noMark names the tokens that carry no time at all: they are one session together.
const noMark = math.MinInt64

func markOf(t *Tokens, c token.Claims) int64 {
	if first, ok := firstIssued(t, c); ok {
		return first
	}
	if exp, state := c.Time(t.claim(FromExpiry)); state == token.Present {
		return exp
	}
	return noMark
}

// firstIssued reads when the chain of renewals began. Python takes 0 for missing, and so do we.
func firstIssued(t *Tokens, c token.Claims) (int64, bool) {
	claim := t.claim(FromFirstIssued)
	if claim == "" {
		return 0, false
	}
	first, state := c.Time(claim)
	return first, state == token.Present && first != 0
}

// judgeForeign judges a token that no session of this mount made, or none that is still kept: one
// of another mount, say, that may have been signed out there. Where foreign tokens are taken, a
// key of the user's own proves enough: it changes whenever everything is signed out.
func (s *Service) judgeForeign(p *Policy, who *Principal) error {
	if !p.Tokens.Foreign || p.Tokens.claim(FromSession) != "" {
		return fail(TokenEnded)
	}
	if p.Tokens.Signing == PerUser || who.User.SignedOut.IsZero() {
		return nil
	}
	if issued, ok := s.issued(p, who); !ok || !issued.After(who.User.SignedOut) {
		return fail(TokenEnded)
	}
	return nil
}

// issued is when a foreign token was made, as far as it tells. A time that is yet to come tells
// nothing, or it would outlive every sign-out until then.
func (s *Service) issued(p *Policy, who *Principal) (at time.Time, ok bool) {
	now := s.now()
	far := now.Add(p.Tokens.Access + time.Second).Unix() // is yet to come, even as an expiry
	for _, claim := range []string{"iat", p.Tokens.claim(FromFirstIssued), p.Tokens.claim(FromExpiry)} {
		unix, state := who.claims.Time(claim)
		if claim == "" || state != token.Present {
			continue
		}
		at = time.Unix(min(unix, far), 0)
		if claim == p.Tokens.claim(FromExpiry) {
			at = at.Add(-p.Tokens.Access)
		}
		return at, !at.After(now)
	}
	return at, false
}
