package account

import (
	"fmt"
	"slices"
	"unicode/utf8"
)

// maxClaims bounds the payload that declared fields may fill, in bytes: a token stays under 4,096 with it, for
// that is what one cookie and many proxies hold of a header.
const maxClaims = 2304

// ownClaims are the names that tokens have for something else.
var ownClaims = []Field{
	"exp", "iat", "nbf", "jti", "aud", "iss", "sub", "sid", "ep", "iat_ms", "orig_iat", "token_type", "refresh_exp",
	"otp_device_id", "hash_password", "id", "user",
}

// checkClaims holds that tokens stay small, whatever people fill in.
func (m *Model) checkClaims() error {
	size := 0
	for i := range m.Extras {
		f := &m.Extras[i]
		if !f.Claim {
			continue
		}
		if slices.Contains(ownClaims, f.Name) {
			return fmt.Errorf("user.%s: tokens have a claim of that name", f.Name)
		}
		if f.Read > Self {
			return fmt.Errorf("user.%s: whoever has a token reads it, and the field is not for his eyes", f.Name)
		}
		if size += len(f.Name) + len(`"":,`) + f.claimSize(); size > maxClaims {
			return fmt.Errorf("user.%s: with this claim a token may have more than 4,096 bytes: its value may take %d, "+
				"and %d are left for all declared fields; set max, or claim = false", f.Name, f.claimSize(), maxClaims)
		}
	}
	return nil
}

// ClaimRoom is how many bytes of a payload the declared fields leave for other claims that an operator asks for.
func (m *Model) ClaimRoom() int {
	room := maxClaims
	for i := range m.Extras {
		if f := &m.Extras[i]; f.Claim {
			room -= len(f.Name) + len(`"":,`) + f.claimSize()
		}
	}
	return room
}

// claimSize is how many bytes of JSON a value of the field takes at most. A token escapes what is not ASCII:
// twelve bytes for the widest characters.
func (f *FieldSpec) claimSize() int {
	const quotes = 2
	switch f.Kind {
	case Integer, Boolean:
		return 20
	case Decimal:
		return f.Digits + len("-0.") + quotes
	case Date, Timestamp:
		return 27 + quotes
	case JSON:
		return 6 * maxJSON
	case Choice:
		longest := 0
		for _, c := range f.Choices {
			longest = max(longest, 12*utf8.RuneCountInString(c))
		}
		return longest + quotes
	}
	return 12*f.MaxLength() + quotes
}

// Claims are the claims that the operator asked for, for the tokens of a mount.
func (m *Model) Claims() (claims []Claim) {
	for i := range m.Extras {
		if f := &m.Extras[i]; f.Claim {
			claims = append(claims, Claim{Name: string(f.Name), Source: FromField, Field: f.Name})
		}
	}
	return claims
}

// fieldClaim is a field of u as a token says it. What is too long for the field, since another program wrote
// it or its bound came later, is null.
func (s *Service) fieldClaim(u *User, f Field) any {
	spec := s.store.Model().Extra(f)
	if spec == nil {
		return u.claim(f)
	}
	v := u.Extra.Of(f)
	if kept, problems := spec.Judge(v); len(problems) > 0 || kept != v {
		return nil
	}
	switch v.kind {
	case nullValue:
		return nil
	case integerValue:
		return v.number
	case booleanValue:
		return v.Bool()
	}
	return v.String()
}
