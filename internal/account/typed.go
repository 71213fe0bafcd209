package account

import (
	"context"
	"crypto/md5" //nolint:gosec // the contract's, of what is a hash already
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"doorward/internal/token"
)

// Kind is what a token is for, as it says it itself.
type Kind string

// The kinds.
const (
	KindAccess  Kind = "access"  // shown with each request
	KindRefresh Kind = "refresh" // exchanged for access tokens
	KindSliding Kind = "sliding" // both: shown, and exchanged for the next one
)

// kinds are the kinds by the number that a sealed token id has for them.
var kinds = []Kind{"", KindAccess, KindRefresh, KindSliding}

// Rotation is what becomes of a refresh token that was used.
type Rotation uint8

// The rotations.
const (
	NoRotation  Rotation = iota // it is used again and again
	KeepRotated                 // there is a new one, and the old one stays good
	SpendOnce                   // there is a new one, and the old one is spent
)

// Typed says how a mount makes and reads tokens that tell their kind. Each carries an id that seals
// its session; a sign-in gives an access and a refresh token, or one sliding token.
type Typed struct {
	// Family names the sessions that mounts have together: a token of one is good at all, as far as
	// its key and parties are. "" is the mount alone.
	Family string
	Issue  Kind   // KindAccess, with its refresh token, or KindSliding
	Accept []Kind // that open routes
	// Sliding is how long a sliding token lives; it is exchanged until SlidingRefresh after the sign-in.
	Sliding, SlidingRefresh time.Duration
	// Owner is the field that tokens name their user by: Username or Email; "" is the id.
	Owner    Field
	TextID   bool // an id is written as text
	Deflate  bool // extra claims go into one, deflated
	Rotation Rotation
	// ReuseEnds ends the session of a spent refresh token that is shown again, once Grace is over.
	ReuseEnds bool

	// Recorded of Django settings, and never on outside a replay of them: access tokens outlive
	// their session; blacklisting does nothing; VerifyToken and Blacklist do not look at the user.
	Outlive, NoBlacklist, Blind bool
}

// span is how long after its last rotation the last token of a session is dead.
func (d *Typed) span(t *Tokens) time.Duration {
	if d.Issue == KindSliding {
		return d.SlidingRefresh + d.Sliding + t.Validity.Leeway
	}
	return t.Refresh + t.Access + t.Validity.Leeway
}

func (t *Tokens) validity() token.Validity {
	v := t.Validity
	if t.Typed != nil {
		v.CheckIssuedAt, v.AnyAudience = true, t.Foreign // SimpleJWT ignores an aud that it does not ask for
		return v
	}
	v.RequireExp = !t.Foreign
	return v
}

// family is the name that a mount's sessions go by.
func (p *Policy) family() string {
	if p.Tokens.Typed != nil && p.Tokens.Typed.Family != "" {
		return p.Tokens.Typed.Family
	}
	return p.Mount
}

// names are the texts that a token may name u by.
func (p *Policy) names(u *User) string {
	if p.Tokens.Typed != nil && p.Tokens.Typed.Owner != "" {
		return u.LoginName(p.Login) + "\x00" + u.text(p.Tokens.Typed.Owner)
	}
	return u.LoginName(p.Login)
}

// typedToken is a token whose signature, times, id and kind are good.
type typedToken struct {
	claims token.Claims
	kind   Kind
	id     string
	sealed token.Sealed
	ours   bool // as far as its id tells
}

// readTyped verifies a token. Without want any kind is taken, and none.
func (s *Service) readTyped(p *Policy, t *token.Unverified, want ...Kind) (*typedToken, error) {
	who := &Principal{}
	err := fail(TokenForged)
	for _, key := range s.verifyKeys(p, t) {
		if err = s.verifyClaims(p, t, key, who); !errors.Is(err, TokenForged) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	d := &typedToken{claims: who.claims}
	if _, state := d.claims.Time(p.Tokens.claim(FromExpiry)); state != token.Present {
		return nil, fail(TokenUntimed)
	}
	var state token.State
	if d.id, state = d.claims.Text(p.Tokens.claim(FromTokenID)); state == token.Absent {
		return nil, fail(TokenUnidentified)
	} else if state != token.Present || d.id == "" {
		return nil, fail(TokenClaims)
	}
	kind, state := d.claims.Text(p.Tokens.claim(FromKind))
	d.kind = Kind(kind)
	switch {
	case len(want) == 0:
	case state == token.Absent:
		return nil, fail(TokenUntyped)
	case !slices.Contains(want, d.kind):
		return nil, fail(TokenMistyped)
	}
	d.sealed, d.ours = s.sealer.Open(d.id)
	d.ours = d.ours && d.sealed.Session != 0 && int(d.sealed.Kind) < len(kinds) && kinds[d.sealed.Kind] == d.kind
	return d, nil
}

// parseTyped is readTyped of a text.
func (s *Service) parseTyped(p *Policy, raw string, want ...Kind) (*typedToken, error) {
	t, err := token.Parse(raw)
	if err != nil {
		return nil, fail(TokenMalformed)
	}
	return s.readTyped(p, t, want...)
}

// mark names the session of a token that was made elsewhere: half of the hash of its id.
func (d *typedToken) mark() int64 {
	sum := sha256.Sum256([]byte(d.id))
	return max(1, int64(binary.BigEndian.Uint64(sum[:])>>1))
}

// judgeTyped says who a token is of that opens routes here.
func (s *Service) judgeTyped(ctx context.Context, r Reader, p *Policy, t *token.Unverified) (*Principal, error) {
	d, err := s.readTyped(p, t, p.Tokens.Typed.Accept...)
	if err != nil {
		return nil, err
	}
	who := &Principal{claims: d.claims, mark: d.mark()}
	if who.User, err = s.owner(ctx, r, p, d.claims); err != nil {
		return nil, err
	}
	if !who.User.IsActive {
		return nil, fail(UserDisabled)
	}
	if claim := p.Tokens.claim(FromPasswordDigest); claim != "" {
		if digest, _ := d.claims.Text(claim); digest != passwordDigest(&who.User) {
			return nil, fail(PasswordChanged)
		}
	}
	if who.Session, err = s.judgeTypedSession(ctx, r, p, d, &who.User); err != nil {
		return nil, err
	}
	return who, nil
}

// owner finds the user that a token names.
func (s *Service) owner(ctx context.Context, r Reader, p *Policy, c token.Claims) (u User, err error) {
	claim, field := p.Tokens.claim(FromUserID), p.Tokens.Typed.Owner
	if _, state := c.Raw(claim); state == token.Absent {
		return User{}, fail(TokenUnowned)
	}
	if field == "" {
		id, ok := userID(c, claim)
		if !ok {
			return User{}, fail(TokenNamed)
		}
		u, err = r.User(ctx, id)
	} else {
		name, state := c.Text(claim)
		if state != token.Present || !isText(name) {
			return User{}, fail(TokenNamed)
		}
		u, err = r.UserByLogin(ctx, field, name, false)
	}
	if errors.Is(err, ErrNotFound) {
		return User{}, fail(TokenNamed)
	}
	if err != nil {
		return User{}, fmt.Errorf("find the user a token names: %w", err)
	}
	return u, nil
}

// owns reports whether u is whom a token names.
func (p *Policy) owns(u *User, c token.Claims) bool {
	claim := p.Tokens.claim(FromUserID)
	if field := p.Tokens.Typed.Owner; field != "" {
		name, state := c.Text(claim)
		return state == token.Present && name == u.text(field)
	}
	id, ok := userID(c, claim)
	return ok && id == u.ID
}

// judgeTypedSession finds the session of a token of u, and holds that nothing ended it. One that
// was made elsewhere may have none.
func (s *Service) judgeTypedSession(ctx context.Context, r Reader, p *Policy, d *typedToken, u *User) (Session, error) {
	ses, err := s.findTyped(ctx, r, p, d, u.ID)
	if errors.Is(err, ErrNotFound) {
		return Session{}, judgeStranger(p, d, u)
	}
	if err != nil {
		return Session{}, err
	}
	outlives := p.Tokens.Typed.Outlive && d.kind == KindAccess
	switch {
	case ses.UserID != u.ID || ses.Mount != p.family() || ses.Epoch != u.Epoch,
		d.ours && d.kind != KindRefresh && d.sealed.Epoch != uint16(u.Epoch),
		!ses.Ended.IsZero() && !outlives:
		return Session{}, fail(TokenEnded)
	}
	return ses, nil
}

// findTyped finds the session of a token by what its id seals, or by its mark.
func (s *Service) findTyped(ctx context.Context, r Reader, p *Policy, d *typedToken, user int64) (ses Session, err error) {
	err = ErrNotFound
	if d.ours {
		ses, err = r.Session(ctx, d.sealed.Session)
	}
	if errors.Is(err, ErrNotFound) && p.Tokens.Foreign {
		d.ours = false
		ses, err = r.SessionByMark(ctx, user, p.family(), d.mark())
	}
	if err != nil && !errors.Is(err, ErrNotFound) {
		return Session{}, fmt.Errorf("find the session of a token: %w", err)
	}
	return ses, err
}

// judgeStranger judges a token without a session: where others sign too, it is good if it is
// younger than the last time that everything of u was signed out.
func judgeStranger(p *Policy, d *typedToken, u *User) error {
	if !p.Tokens.Foreign {
		return fail(TokenEnded)
	}
	if u.SignedOut.IsZero() {
		return nil
	}
	issued, state := d.claims.Time(p.Tokens.claim(FromIssued))
	if state != token.Present || !time.Unix(issued, 0).After(u.SignedOut) {
		return fail(TokenEnded)
	}
	return nil
}

// passwordDigest is what a token says of the password that it was made under.
func passwordDigest(u *User) string {
	sum := md5.Sum([]byte(u.Password)) //nolint:gosec
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// VerifyToken reports with an error whether a token of any kind is not good. Codes: those of
// tokens, UserDisabled.
func (s *Service) VerifyToken(ctx context.Context, p *Policy, raw string) error {
	d, err := s.parseTyped(p, raw)
	if err != nil {
		return err
	}
	err = s.store.View(ctx, func(r Reader) error { return s.verifyTyped(ctx, r, p, d) })
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("verify a token: %w", err)
	}
	return err
}

func (s *Service) verifyTyped(ctx context.Context, r Reader, p *Policy, d *typedToken) error {
	u, err := s.owner(ctx, r, p, d.claims)
	if err == nil && !u.IsActive {
		err = fail(UserDisabled)
	}
	if err != nil && (!p.Tokens.Typed.Blind || Refusal(err) == nil) {
		return err
	}
	ses, err := s.findTyped(ctx, r, p, d, u.ID)
	if errors.Is(err, ErrNotFound) {
		return judgeStranger(p, d, &u)
	}
	if err != nil {
		return err
	}
	// A token that was made elsewhere is blacklisted by its own id, whatever its kind.
	outlives := p.Tokens.Typed.Outlive && d.kind == KindAccess && d.ours
	if !ses.Ended.IsZero() && !outlives || spent(p, d, &ses) {
		return fail(TokenEnded)
	}
	if u.ID != 0 && (ses.UserID != u.ID || ses.Epoch != u.Epoch || ses.Mount != p.family()) {
		return fail(TokenEnded)
	}
	return nil
}

// generation is the one that a refresh token was made for.
func (d *typedToken) generation() uint16 {
	if d.ours {
		return d.sealed.Generation
	}
	return 0 // it opened the session
}

// spent reports whether a refresh token was exchanged for its successor.
func spent(p *Policy, d *typedToken, ses *Session) bool {
	return d.kind == KindRefresh && p.Tokens.Typed.Rotation != KeepRotated && d.generation() != uint16(ses.Generation)
}
