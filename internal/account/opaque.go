package account

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"doorward/internal/token"
)

// OpaqueToken is a token that says nothing by itself: a row says whose it is. A user has one at
// most, and every sign-in answers with the same until it is taken away.
type OpaqueToken struct {
	UserID int64
	Hash   []byte // SHA-256 of the token
	Nonce  []byte // what it is made from, with a key of ours
	Sealed []byte // one that another program made
	// Clear is the token itself, where it lies in a table of another program's, which keeps it so. Such a token has no
	// epoch: what ends it takes its row away.
	Clear string
	Epoch uint32
	// Created is when it was first given.
	Created time.Time
}

// opaqueBytes is the length of a token before it is written in hex digits: 40 of them, as REST
// framework's have.
const opaqueBytes = 20

// opaqueOf makes the token of a nonce.
func (s *Service) opaqueOf(userID int64, nonce []byte) string {
	mac := hmac.New(sha256.New, s.opaqueKey.Bytes())
	var id [8]byte
	binary.BigEndian.PutUint64(id[:], uint64(userID))
	mac.Write(id[:])
	mac.Write(nonce)
	return hex.EncodeToString(mac.Sum(nil)[:opaqueBytes])
}

func opaqueHash(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// SignInOpaque gives the opaque token of a user, the same one as before while it is good.
// Codes: InvalidCredentials, Busy.
func (s *Service) SignInOpaque(ctx context.Context, p *Policy, c Credentials) (text string, err error) {
	return s.signInOpaque(ctx, p, c, func(Writer, *User) error { return nil })
}

// signInOpaque runs then in the transaction of the sign-in.
func (s *Service) signInOpaque(ctx context.Context, p *Policy, c Credentials, then func(Writer, *User) error) (text string, err error) {
	checked, match, err := s.prove(ctx, p, c)
	if err != nil {
		return "", err
	}
	err = s.update(ctx, checked.ID, func(w Writer) error {
		u, err := w.User(ctx, checked.ID)
		if errors.Is(err, ErrNotFound) || err == nil && changedSince(&checked, &u) {
			return fail(InvalidCredentials)
		}
		if err != nil {
			return err
		}
		if text, err = s.giveOpaque(ctx, w, &u); err != nil {
			return err
		}
		if err := then(w, &u); err != nil {
			return err
		}
		u.LastLogin = s.now() // whatever the mount's other tokens do: Django's own sign-in does it
		return w.UpdateUser(ctx, &u, LastLogin)
	})
	switch {
	case err != nil && Refusal(err) == nil:
		return "", fmt.Errorf("sign user %d in: %w", checked.ID, err)
	case err != nil:
		return "", err
	case match.Outdated:
		s.rehash(checked.ID, checked.Password, c.Password)
	}
	return text, nil
}

// giveOpaque answers with the token that u has, and makes him one where there is none of his epoch.
func (s *Service) giveOpaque(ctx context.Context, w Writer, u *User) (string, error) {
	t, err := w.OpaqueToken(ctx, u.ID)
	switch {
	case errors.Is(err, ErrNotFound):
	case err != nil:
		return "", err
	case t.Clear != "" || t.Epoch == u.Epoch:
		return s.openOpaque(&t)
	default:
		if _, err := w.DeleteOpaqueToken(ctx, u.ID); err != nil {
			return "", err
		}
	}
	t = OpaqueToken{UserID: u.ID, Nonce: token.NewSecret().Bytes()[:16], Epoch: u.Epoch, Created: s.now()}
	text := s.opaqueOf(u.ID, t.Nonce)
	t.Hash, t.Clear = opaqueHash(text), text
	inserted, err := w.InsertOpaqueToken(ctx, &t)
	if err != nil || inserted {
		return text, err
	}
	if t, err = w.OpaqueToken(ctx, u.ID); err != nil { // another sign-in was first
		return "", err
	}
	return s.openOpaque(&t)
}

// openOpaque is the text of a row.
func (s *Service) openOpaque(t *OpaqueToken) (string, error) {
	if t.Clear != "" {
		return t.Clear, nil
	}
	if len(t.Sealed) == 0 {
		return s.opaqueOf(t.UserID, t.Nonce), nil
	}
	text, err := s.opaqueBox.Open(t.Sealed, opaquePlace(t.UserID))
	if err != nil {
		return "", fmt.Errorf("open the opaque token of user %d: %w", t.UserID, err)
	}
	return string(text), nil
}

func opaquePlace(userID int64) []byte { return []byte("opaque " + strconv.FormatInt(userID, 10)) }

// KeepForeignOpaque makes a token that another program gave a user his token here.
func (s *Service) KeepForeignOpaque(ctx context.Context, userID int64, text string) error {
	t := OpaqueToken{
		UserID: userID, Clear: text, Hash: opaqueHash(text), Sealed: s.opaqueBox.Seal([]byte(text), opaquePlace(userID)), Created: s.now(),
	}
	return s.store.Update(ctx, func(w Writer) error {
		u, err := w.User(ctx, userID)
		if err != nil {
			return err
		}
		t.Epoch = u.Epoch
		_, err = w.InsertOpaqueToken(ctx, &t)
		return err
	})
}

// maxOpaque bounds what is looked for, in bytes.
const maxOpaque = 128

// AuthenticateOpaque judges an opaque token. Codes: TokenForged, TokenEnded, UserDisabled.
func (s *Service) AuthenticateOpaque(ctx context.Context, text string) (*Principal, error) {
	if len(text) > maxOpaque {
		return nil, fail(TokenForged)
	}
	who := &Principal{opaque: true}
	err := s.store.View(ctx, func(r Reader) error {
		t, err := r.ClearToken(ctx, text)
		if errors.Is(err, ErrNotFound) {
			t, err = r.OpaqueTokenByHash(ctx, opaqueHash(text))
		}
		if err != nil {
			return err
		}
		who.User, err = r.User(ctx, t.UserID)
		if err == nil && t.Clear == "" && t.Epoch != who.User.Epoch {
			return fail(TokenEnded)
		}
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return nil, fail(TokenForged)
	case err == nil && !who.User.IsActive:
		return nil, fail(UserDisabled)
	case err != nil && Refusal(err) == nil:
		return nil, fmt.Errorf("judge an opaque token: %w", err)
	case err != nil:
		return nil, err
	}
	return who, nil
}

// SignOutOpaque takes the opaque token of who away, whichever token he showed. Where tokens do not
// outlive a sign-out it ends the session that asks, too.
func (s *Service) SignOutOpaque(ctx context.Context, p *Policy, who *Principal) error {
	return s.signOutOpaque(ctx, p, who, func(Writer) error { return nil })
}

// signOutOpaque runs then in the transaction that takes the token away.
func (s *Service) signOutOpaque(ctx context.Context, p *Policy, who *Principal, then func(Writer) error) error {
	err := s.store.Update(ctx, func(w Writer) error {
		if _, err := w.DeleteOpaqueToken(ctx, who.User.ID); err != nil {
			return err
		}
		return then(w)
	})
	if err != nil {
		return fmt.Errorf("sign user %d out: %w", who.User.ID, err)
	}
	if p.KeepTokens || who.Session.ID == 0 {
		return nil
	}
	return s.SignOut(ctx, p, who)
}
