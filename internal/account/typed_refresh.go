package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"doorward/internal/token"
)

// RefreshToken exchanges a refresh token for an access token and, as the mount rotates, for its
// successor. Codes: those of tokens, UserDisabled.
func (s *Service) RefreshToken(ctx context.Context, p *Policy, raw string) (Grant, error) {
	d, err := s.parseTyped(p, raw, KindRefresh)
	if err != nil {
		return Grant{}, err
	}
	for {
		m := s.moment(p)
		u, ses, err := s.chain(ctx, p, d)
		if err != nil {
			return Grant{}, err
		}
		if u == nil || p.Tokens.Typed.Rotation == NoRotation {
			if spent(p, d, &ses) {
				return Grant{}, fail(TokenEnded)
			}
			g, err := s.grantTyped(p, u, &ses, d)
			return s.remember(p, &m, g), err
		}
		if spent(p, d, &ses) {
			return s.again(ctx, p, d, u, &ses)
		}
		first, err := s.rotateTyped(ctx, p, &ses)
		if err != nil {
			return Grant{}, err
		}
		if first {
			g, err := s.grantTyped(p, u, &ses, d)
			return s.remember(p, &m, g), err
		}
	}
}

// again answers a refresh token that was spent: for the policy's grace with the same successor.
func (s *Service) again(ctx context.Context, p *Policy, d *typedToken, u *User, ses *Session) (Grant, error) {
	switch {
	case d.generation()+1 == uint16(ses.Generation) && s.now().Before(ses.Rotated.Add(p.Tokens.Grace)):
		return s.grantTyped(p, u, ses, d)
	case p.Tokens.Typed.ReuseEnds:
		return Grant{}, s.reused(ctx, p, ses)
	}
	return Grant{}, fail(TokenEnded)
}

func (s *Service) rotateTyped(ctx context.Context, p *Policy, ses *Session) (first bool, err error) {
	now := s.now()
	until := now.Add(p.Tokens.Typed.span(&p.Tokens))
	if until.Before(ses.Expires) { // a spent token is to be known for as long as it lives
		until = ses.Expires
	}
	return s.rotateUntil(ctx, ses, now, until)
}

// chain finds the session of a refresh token, alive, and its user. One that was made elsewhere
// opens a session; where it names nobody, there is no user and no session.
func (s *Service) chain(ctx context.Context, p *Policy, d *typedToken) (u *User, ses Session, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if u, ses, err = s.readChain(ctx, r, p, d); err != nil || u == nil {
			return err
		}
		return loadRights(ctx, r, p, u)
	})
	switch {
	case err != nil && Refusal(err) == nil:
		return nil, ses, fmt.Errorf("read the session of a refresh token: %w", err)
	case err != nil || ses.ID != 0:
		return u, ses, err
	case u == nil: // no row ends what names nobody, so nothing of it lives long
		ses.Rotated = s.now()
		ses.Expires = ses.Rotated.Add(p.Tokens.Typed.span(&p.Tokens))
		return nil, ses, nil
	}
	ses, err = s.openForeign(ctx, p, d, u)
	return u, ses, err
}

func (s *Service) readChain(ctx context.Context, r Reader, p *Policy, d *typedToken) (*User, Session, error) {
	if d.ours {
		u, ses, err := s.readOwn(ctx, r, p, d)
		if !errors.Is(err, ErrNotFound) {
			return u, ses, err
		}
		d.ours = false // by chance
	}
	if !p.Tokens.Foreign {
		return nil, Session{}, fail(TokenEnded)
	}
	u, err := s.owner(ctx, r, p, d.claims)
	unowned := errors.Is(err, TokenUnowned)
	if err != nil && !unowned {
		return nil, Session{}, err
	}
	ses, err := r.SessionByMark(ctx, u.ID, p.family(), d.mark())
	switch {
	case err == nil:
		err = s.judgeChain(p, d, &u, &ses)
	case !errors.Is(err, ErrNotFound):
	case !unowned && !u.IsActive:
		err = fail(UserDisabled)
	default:
		err = judgeStranger(p, d, &u)
	}
	if unowned {
		return nil, Session{}, err
	}
	return &u, ses, err
}

// readOwn finds the session of a token that was made here; ErrNotFound where there is none.
func (s *Service) readOwn(ctx context.Context, r Reader, p *Policy, d *typedToken) (*User, Session, error) {
	ses, u, err := r.SessionUser(ctx, d.sealed.Session)
	if errors.Is(err, ErrNotFound) {
		if ses, err = r.Session(ctx, d.sealed.Session); err == nil { // its user is gone
			err = fail(TokenNamed)
		}
	}
	if err == nil {
		err = s.judgeChain(p, d, &u, &ses)
	}
	return &u, ses, err
}

// judgeChain refuses a session that is over.
func (s *Service) judgeChain(p *Policy, d *typedToken, u *User, ses *Session) error {
	switch {
	case u.ID != 0 && !u.IsActive:
		return fail(UserDisabled)
	case ses.UserID != u.ID || u.ID != 0 && !p.owns(u, d.claims):
		return fail(TokenNamed)
	case ses.Mount != p.family() || !ses.Ended.IsZero() || ses.Epoch != u.Epoch:
		return fail(TokenEnded)
	case !s.now().Before(ses.Expires):
		return fail(TokenExpired)
	}
	return nil
}

// openForeign opens the session of a refresh token that was made elsewhere, at its first use.
func (s *Service) openForeign(ctx context.Context, p *Policy, d *typedToken, u *User) (Session, error) {
	who := &Principal{User: *u, mark: d.mark(), claims: d.claims}
	ses := s.adopted(p, who)
	var found Session
	err := s.store.Update(ctx, func(w Writer) error {
		inserted, err := w.InsertSession(ctx, &ses)
		if err != nil || inserted {
			found = ses
			return err
		}
		found, err = w.SessionByMark(ctx, u.ID, p.family(), ses.Mark) // another request has just opened it
		return err
	})
	if err != nil {
		return Session{}, fmt.Errorf("open a session for a foreign token of user %d: %w", u.ID, err)
	}
	return found, s.judgeChain(p, d, u, &found)
}

// Blacklist ends the session of a refresh token. Codes: those of tokens.
func (s *Service) Blacklist(ctx context.Context, p *Policy, raw string) error {
	d, err := s.parseTyped(p, raw, KindRefresh)
	if err != nil || p.Tokens.Typed.NoBlacklist {
		return err
	}
	var id int64
	err = s.store.Update(ctx, func(w Writer) (err error) {
		id, err = s.blacklist(ctx, w, p, d)
		return err
	})
	if !undone(err) {
		s.ended(p, id)
	}
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("blacklist a token: %w", err)
	}
	return err
}

// blacklist ends the session of a token, and gives its id; 0 where nothing was there to end.
func (s *Service) blacklist(ctx context.Context, w Writer, p *Policy, d *typedToken) (int64, error) {
	u, err := s.owner(ctx, w, p, d.claims)
	if err != nil && (Refusal(err) == nil || !p.Tokens.Typed.Blind) {
		return 0, err
	}
	ses, err := s.findTyped(ctx, w, p, d, u.ID)
	if errors.Is(err, ErrNotFound) {
		if !p.Tokens.Foreign {
			return 0, fail(TokenEnded)
		}
		// Nobody used it here: what remembers it is a session that is over.
		ses = s.adopted(p, &Principal{User: u, mark: d.mark(), claims: d.claims})
		ses.Ended = ses.Created
		var inserted bool
		if inserted, err = w.InsertSession(ctx, &ses); err != nil || inserted {
			return 0, err
		}
		ses, err = w.SessionByMark(ctx, u.ID, p.family(), ses.Mark) // another request has just opened it
	}
	if err != nil {
		return 0, err
	}
	return ses.ID, s.endTyped(ctx, w, p, d, &ses)
}

func (s *Service) endTyped(ctx context.Context, w Writer, p *Policy, d *typedToken, ses *Session) error {
	if ses.Mount != p.family() || spent(p, d, ses) && !p.Tokens.Typed.ReuseEnds {
		return fail(TokenEnded)
	}
	live, err := w.EndSession(ctx, ses.ID, s.now())
	if err == nil && !live {
		err = fail(TokenEnded)
	}
	return err
}

// slideAfter is how old a sliding token must be to gain anything by its exchange.
const slideAfter = 2 * time.Second

// SlideToken exchanges a sliding token for one that lives longer. Codes: those of tokens,
// UserDisabled, NotRefreshable, RefreshExpired.
func (s *Service) SlideToken(ctx context.Context, p *Policy, raw string) (string, error) {
	d, err := s.parseTyped(p, raw, KindSliding)
	if err != nil {
		return "", err
	}
	now := s.now()
	end, state := d.claims.Time(p.Tokens.claim(FromRefreshExpiry))
	switch {
	case state == token.Absent:
		return "", fail(NotRefreshable)
	case state != token.Present:
		return "", fail(TokenClaims)
	case end <= now.Add(-p.Tokens.Validity.Leeway).Unix():
		return "", fail(RefreshExpired)
	}
	var u User
	err = s.store.View(ctx, func(r Reader) error {
		if u, err = s.owner(ctx, r, p, d.claims); err == nil && !u.IsActive {
			err = fail(UserDisabled)
		}
		if err == nil {
			_, err = s.judgeTypedSession(ctx, r, p, d, &u)
		}
		if err == nil {
			err = loadRights(ctx, r, p, &u)
		}
		return err
	})
	if err != nil {
		if Refusal(err) == nil {
			err = fmt.Errorf("judge a sliding token: %w", err)
		}
		return "", err
	}
	if issued, state := d.claims.Time(p.Tokens.claim(FromIssued)); state == token.Present && now.Before(time.Unix(issued, 0).Add(slideAfter)) {
		return raw, nil
	}
	return s.slide(p, d, &u, now)
}

// slide writes a sliding token anew with other times, and with what its user may do by now: everything else of it stays.
func (s *Service) slide(p *Policy, d *typedToken, u *User, now time.Time) (string, error) {
	var claims []token.Claim
	for _, name := range d.claims.Names() {
		switch name {
		case p.Tokens.claim(FromExpiry):
			claims = append(claims, token.Claim{Name: name, Value: now.Add(p.Tokens.Typed.Sliding).Unix()})
		case p.Tokens.claim(FromIssued):
			claims = append(claims, token.Claim{Name: name, Value: now.Unix()})
		case p.Tokens.claim(FromGroups):
			claims = append(claims, token.Claim{Name: name, Value: u.Claimed.claim(FromGroups)})
		case p.Tokens.claim(FromPermissions):
			claims = append(claims, token.Claim{Name: name, Value: u.Claimed.claim(FromPermissions)})
		default:
			raw, _ := d.claims.Raw(name)
			claims = append(claims, token.Claim{Name: name, Value: json.RawMessage(raw)})
		}
	}
	return s.signTyped(p, nil, claims)
}
