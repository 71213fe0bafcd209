package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"doorward/internal/token"
)

// Verification says whether an address must be shown to be its owner's.
type Verification uint8

// The degrees.
const (
	NotVerified Verification = iota // nobody is asked
	VerifyLater                     // a key is mailed, and nothing depends on it
	VerifyFirst                     // nobody comes in before
)

// EmailPolicy says what a mount does about the addresses of new users.
type EmailPolicy struct {
	Verify Verification
	Life   time.Duration // of a mailed key; 0: three days, as allauth's
}

// keyLife is allauth's EMAIL_CONFIRMATION_EXPIRE_DAYS.
const keyLife = 3 * 24 * time.Hour

func (p *EmailPolicy) life() time.Duration {
	if p.Life == 0 {
		return keyLife
	}
	return p.Life
}

// What is verified of a user is noted in a profile that nobody else reads or writes. It holds the address
// itself: one that changes is not verified any more.
const (
	verifiedKind        = "verified_email"
	verifiedField Field = "address"
)

// VerifiedEmails is the kind of profile that a model needs where a mount verifies addresses.
func VerifiedEmails() ProfileKind {
	longest := int64(254)
	return ProfileKind{
		Name: verifiedKind, Table: "verified_emails", Apart: true,
		Fields: []FieldSpec{{Name: verifiedField, Kind: ShortText, Max: &longest, Read: Nobody, Write: Nobody}},
	}
}

// Hidden reports whether nobody may see or say anything of such a profile.
func (k *ProfileKind) Hidden() bool {
	for i := range k.Fields {
		if f := &k.Fields[i]; f.Read != Nobody || f.Write != Nobody || f.SignUp {
			return false
		}
	}
	return len(k.Fields) > 0
}

// VerifiedEmail is the profile that says u's address is his.
func (u *User) VerifiedEmail() Profile {
	return Profile{UserID: u.ID, Kind: verifiedKind, Values: Values{}.With(verifiedField, TextValue(u.Email))}
}

func (u *User) verified() bool {
	p, ok := u.Profiles.Of(verifiedKind)
	return ok && u.Email != "" && p.Values.Of(verifiedField).String() == u.Email
}

// keySalt binds a key to an address. allauth's salt is "account" alone and its number that of a row which holds
// the address; ours is the user's, whose address may change.
func keySalt(u *User) string { return "account\x00" + u.Email }

// sendKey mails u the key that shows that his address is his.
func (s *Service) sendKey(ctx context.Context, w Writer, p *Policy, u *User) error {
	return s.notify(ctx, w, p, &Notice{Occasion: VerifyEmailMail, User: u, Asker: askerOf(ctx), Token: s.signer.Sign(keySalt(u), u.ID, s.now())})
}

// ResendKey mails the key again to who has this address, is active and has not shown it to be his. Where there is
// nobody, or nothing is verified, the same work is done for nobody. Codes: Busy.
func (s *Service) ResendKey(ctx context.Context, p *Policy, email string) error {
	_, err := s.mailEach(ctx, p, email, VerifyEmailMail,
		func(u *User) bool { return p.Emails.Verify != NotVerified && u.IsActive && !u.verified() },
		func(w Writer, u *User) error { return s.sendKey(ctx, w, p, u) })
	return err
}

// keyOwner finds whose key it is. Codes: LinkToken.
func (s *Service) keyOwner(ctx context.Context, p *Policy, key string) (User, error) {
	said, ok := token.ParseSigned(key)
	if !ok {
		return User{}, fail(LinkToken)
	}
	var u User
	err := s.store.View(ctx, func(r Reader) (err error) {
		u, err = r.User(ctx, said.ID)
		return err
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return User{}, fail(LinkToken)
	case err != nil:
		return User{}, fmt.Errorf("read the user of a key: %w", err)
	case u.Email == "" || u.verified() || !s.signer.Check(keySalt(&u), key, s.now(), p.Emails.life()):
		return User{}, fail(LinkToken)
	}
	return u, nil
}

// KnowsKey reports whether a key would verify an address now.
func (s *Service) KnowsKey(ctx context.Context, p *Policy, key string) (bool, error) {
	_, err := s.keyOwner(ctx, p, key)
	if errors.Is(err, LinkToken) {
		return false, nil
	}
	return err == nil, err
}

// VerifyEmail notes that the address of a key's user is his. Of any number at once one succeeds.
// Codes: LinkToken, whatever is wrong with the key.
func (s *Service) VerifyEmail(ctx context.Context, p *Policy, key string) error {
	u, err := s.keyOwner(ctx, p, key)
	if err != nil {
		return err
	}
	err = s.update(ctx, u.ID, func(w Writer) error {
		first, err := verifyEmail(ctx, w, &u)
		if err == nil && !first {
			err = fail(LinkToken)
		}
		return err
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("verify the address of user %d: %w", u.ID, err)
	}
	return err
}

// verifyEmail notes it for the address that seen has, and reports whether it was news. Swapping the address for
// itself holds that it is still his, and makes others at it wait.
func verifyEmail(ctx context.Context, w Writer, seen *User) (bool, error) {
	same, err := w.SwapLogin(ctx, seen.ID, Email, seen.Email, seen.Email)
	if err != nil || !same {
		return false, err
	}
	u, err := w.User(ctx, seen.ID)
	if err != nil || u.verified() {
		return false, err
	}
	if _, ok := u.Profiles.Of(verifiedKind); ok { // of an address that he had
		if _, err := w.DeleteProfile(ctx, verifiedKind, u.ID); err != nil {
			return false, err
		}
	}
	p := u.VerifiedEmail()
	return w.InsertProfile(ctx, &p)
}
