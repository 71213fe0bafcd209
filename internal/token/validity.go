package token

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// What can be wrong with the claims of a token that is genuine.
var (
	ErrExpired     = errors.New("token is expired")
	ErrNotYetValid = errors.New("token is not valid yet")
	ErrClaim       = errors.New("token claim is missing or of the wrong type")
	ErrAudience    = errors.New("token is for another audience")
	ErrIssuer      = errors.New("token is of another issuer")
)

// Validity is what Claims.Check demands. The zero Validity judges exp and nbf where they are.
type Validity struct {
	Leeway        time.Duration // for clocks that differ: before nbf and iat, and after exp
	RequireExp    bool
	IgnoreExp     bool     // whatever exp says, as PyJWT without verify_exp
	CheckIssuedAt bool     // refuse an iat in the future, as PyJWT does
	Audience      []string // aud must name one of these
	AnyAudience   bool     // ignore aud where Audience is empty
	Issuer        string   // iss must be this
}

// Check judges the registered claims at now (RFC 7519 §4.1). exp is the first second at which a
// token is expired. Times that are there have to be NumericDates, whether they are demanded or
// not. An aud that nobody asked for is refused (§4.1.3: whoever is not named in it MUST reject),
// unless AnyAudience says that the contract ignores it. Errors: ErrClaim, ErrExpired,
// ErrNotYetValid, ErrIssuer, ErrAudience, in this order; a party that is missing is ErrClaim, too.
func (c Claims) Check(now time.Time, v Validity) error {
	var exp int64
	var expState State
	var err error
	if !v.IgnoreExp {
		if exp, expState, err = c.judgeTime("exp"); err != nil {
			return err
		}
	}
	nbf, nbfState, err := c.judgeTime("nbf")
	if err != nil {
		return err
	}
	iat, iatState, err := c.judgeTime("iat")
	if err != nil {
		return err
	}
	if expState == Absent && v.RequireExp && !v.IgnoreExp {
		return fmt.Errorf("%w: exp is absent", ErrClaim)
	}
	if expState == Present && exp <= now.Add(-v.Leeway).Unix() {
		return ErrExpired
	}
	latest := now.Add(v.Leeway).Unix()
	if nbfState == Present && nbf > latest || v.CheckIssuedAt && iatState == Present && iat > latest {
		return ErrNotYetValid
	}
	return c.checkParties(v)
}

func (c Claims) judgeTime(name string) (int64, State, error) {
	unix, state := c.Time(name)
	if state == Null || state == WrongType {
		return 0, state, fmt.Errorf("%w: %s is %v", ErrClaim, name, state)
	}
	return unix, state, nil
}

func (c Claims) checkParties(v Validity) error {
	if v.Issuer != "" {
		issuer, state := c.Text("iss")
		if state != Present {
			return fmt.Errorf("%w: %w: iss is %v", ErrClaim, ErrIssuer, state)
		}
		if issuer != v.Issuer {
			return ErrIssuer
		}
	}
	if len(v.Audience) == 0 && v.AnyAudience {
		return nil
	}
	audience, state := c.Audience()
	switch {
	case state == Absent && len(v.Audience) == 0:
		return nil
	case state != Present:
		return fmt.Errorf("%w: %w: aud is %v", ErrClaim, ErrAudience, state)
	}
	for _, name := range audience {
		if slices.Contains(v.Audience, name) {
			return nil
		}
	}
	return ErrAudience
}
