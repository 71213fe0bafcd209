package account

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// BrowserLife is how long a browser's session is good, as Django's are (SESSION_COOKIE_AGE).
const BrowserLife = 14 * 24 * time.Hour

// SignInBrowser is SignInOpaque, and opens a session for the browser that asks in the same
// transaction: its text names a row and proves it with a MAC, so that nothing in the database signs
// in. old is what the browser showed before, if anything: that session ends, whosever it was, and is
// never taken over. Codes: InvalidCredentials, Busy.
func (s *Service) SignInBrowser(ctx context.Context, p *Policy, c Credentials, old string) (opaque, browser string, err error) {
	opaque, err = s.signInOpaque(ctx, p, c, func(w Writer, u *User) error {
		browser, err = s.openBrowser(ctx, w, p, u, old)
		return err
	})
	if err != nil {
		return "", "", err
	}
	return opaque, browser, nil
}

// openBrowser opens a session for the browser of u, and ends the one that it showed.
func (s *Service) openBrowser(ctx context.Context, w Writer, p *Policy, u *User, old string) (string, error) {
	if err := s.endBrowser(ctx, w, p, old); err != nil {
		return "", err
	}
	now := s.now()
	ses := Session{
		ID: newSessionID(), UserID: u.ID, Mount: p.family(), Epoch: u.Epoch, Created: now, Rotated: now, Expires: now.Add(BrowserLife),
	}
	if _, err := w.InsertSession(ctx, &ses); err != nil {
		return "", fmt.Errorf("open a browser's session for user %d: %w", u.ID, err)
	}
	return s.browsers.Mint(ses.ID, ses.Generation), nil
}

// SignOutBrowser is SignOutOpaque, and ends the session that the browser showed, whoever who is by it.
func (s *Service) SignOutBrowser(ctx context.Context, p *Policy, who *Principal, text string) error {
	return s.signOutOpaque(ctx, p, who, func(w Writer) error { return s.endBrowser(ctx, w, p, text) })
}

// endBrowser ends the session of a text; one that is none of ours in this mount ends nothing.
func (s *Service) endBrowser(ctx context.Context, w Writer, p *Policy, text string) error {
	id, _, ok := s.browsers.Open(text)
	if !ok {
		return nil
	}
	ses, err := w.Session(ctx, id)
	if errors.Is(err, ErrNotFound) || err == nil && ses.Mount != p.family() {
		return nil
	}
	if err == nil {
		_, err = w.EndSession(ctx, id, s.now())
	}
	return err
}

// AuthenticateBrowser judges what SignInBrowser gave, by its rows each time. Codes: TokenForged,
// TokenEnded, TokenExpired, UserDisabled.
func (s *Service) AuthenticateBrowser(ctx context.Context, p *Policy, text string) (*Principal, error) {
	id, _, ok := s.browsers.Open(text)
	if !ok {
		return nil, fail(TokenForged)
	}
	judging, cancel := context.WithTimeout(ctx, judgeTimeout)
	defer cancel()
	who := &Principal{browser: true}
	err := s.store.View(judging, func(r Reader) (err error) {
		if who.Session, err = r.Session(judging, id); err == nil {
			who.User, err = r.User(judging, who.Session.UserID)
		}
		return err
	})
	err = late(ctx, err)
	switch ses := &who.Session; {
	case errors.Is(err, ErrNotFound):
		return nil, fail(TokenEnded)
	case err != nil:
		return nil, fmt.Errorf("judge a browser's session: %w", err)
	case ses.Mount != p.family() || !ses.Ended.IsZero() || ses.Epoch != who.User.Epoch:
		return nil, fail(TokenEnded)
	case !s.now().Before(ses.Expires):
		return nil, fail(TokenExpired)
	case !who.User.IsActive:
		return nil, fail(UserDisabled)
	}
	return who, nil
}
