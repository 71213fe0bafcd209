package config

import (
	"maps"
	"slices"
	"strings"

	"doorward/internal/pattern"
)

// Tokens are the settings of a mount whose tokens tell their kind, as SimpleJWT's do. What is
// empty is as SimpleJWT has it.
type Tokens struct {
	// RotateRefresh gives a new refresh token at each use, and spends the old one.
	RotateRefresh                 *bool
	SlidingLifetimeSeconds        int
	SlidingRefreshLifetimeSeconds int
	StampLogin                    *bool    // last_login at each sign-in
	HeaderTypes                   []string // the words before a token; the first one is the challenge's
	HeaderName                    string
	AcceptKinds                   []string // access, sliding: that open routes
	Audience                      []string
	Issuer                        string
	LeewaySeconds                 int
	Algorithm                     string
	SigningKeyFile                string // a secret, or a private key in PEM
	VerifyingKeyFile              string // a public key in PEM
	UserIDField                   string // id, username or email
	UserIDClaim                   string
	UserIDText                    *bool // as text, as SimpleJWT from 5.5.1 on
	KindClaim                     string
	IDClaim                       string
	SlidingRefreshClaim           string
	RevokeClaim                   string            // tells the password that a token was made under
	ExtraClaims                   map[string]string // claim to user field, or to "=text"
	DeflateClaims                 *bool             // puts them, deflated, into one claim
}

func (t *Tokens) settings() []setting {
	return []setting{
		{"rotate_refresh", &t.RotateRefresh},
		{"sliding_lifetime_seconds", &t.SlidingLifetimeSeconds},
		{"sliding_refresh_lifetime_seconds", &t.SlidingRefreshLifetimeSeconds},
		{"stamp_login", &t.StampLogin},
		{"header_types", &t.HeaderTypes},
		{"header_name", &t.HeaderName},
		{"accept_kinds", &t.AcceptKinds},
		{"audience", &t.Audience},
		{"issuer", &t.Issuer},
		{"leeway_seconds", &t.LeewaySeconds},
		{"algorithm", &t.Algorithm},
		{"signing_key_file", &t.SigningKeyFile},
		{"verifying_key_file", &t.VerifyingKeyFile},
		{"user_id_field", &t.UserIDField},
		{"user_id_claim", &t.UserIDClaim},
		{"user_id_text", &t.UserIDText},
		{"kind_claim", &t.KindClaim},
		{"id_claim", &t.IDClaim},
		{"sliding_refresh_claim", &t.SlidingRefreshClaim},
		{"revoke_claim", &t.RevokeClaim},
		{"extra_claims", &t.ExtraClaims},
		{"deflate_claims", &t.DeflateClaims},
	}
}

// Set reports whether any of the settings is there.
func (t *Tokens) Set() bool {
	for _, s := range t.settings() {
		switch v := s.into.(type) {
		case **bool:
			if *v != nil {
				return true
			}
		case *int:
			if *v != 0 {
				return true
			}
		case *string:
			if *v != "" {
				return true
			}
		case *[]string:
			if *v != nil {
				return true
			}
		case *map[string]string:
			if *v != nil {
				return true
			}
		}
	}
	return false
}

// algorithms are those that tokens can be signed with.
var algorithms = []string{"HS256", "HS384", "HS512", "RS256", "RS384", "RS512", "ES256", "EdDSA"}

// claimFields are what an extra claim may say of a user.
var claimFields = []string{
	"id", "username", "email", "first_name", "last_name", "name", "phone", "is_active", "is_staff", "is_superuser",
}

// registered are claims that are ours to write.
var registered = []string{"exp", "iat", "nbf", "aud", "iss"}

func (t *Tokens) choices() (list []choice) {
	if t.Algorithm != "" {
		list = append(list, choice{"algorithm", t.Algorithm, algorithms})
	}
	if t.UserIDField != "" {
		list = append(list, choice{"user_id_field", t.UserIDField, []string{"id", "username", "email"}})
	}
	for _, kind := range t.AcceptKinds {
		list = append(list, choice{"accept_kinds", kind, []string{"access", "sliding"}})
	}
	return list
}

func (t *Tokens) ranges() []bounds {
	return []bounds{
		{"sliding_lifetime_seconds", t.SlidingLifetimeSeconds, 0, tenYears},
		{"sliding_refresh_lifetime_seconds", t.SlidingRefreshLifetimeSeconds, 0, tenYears},
		{"leeway_seconds", t.LeewaySeconds, 0, 300},
	}
}

var headerWord = pattern.Of(`^[!#$%&'*+.^_|~0-9A-Za-z-]{1,64}$`) // a token of RFC 9110 §5.6.2

// validClaim takes the name of a claim: of ASCII that shows.
func validClaim(name string) bool {
	return name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool { return r < '!' || r > '~' })
}

// maxExtra bounds the extra claims of a token.
const maxExtra = 16

func (k *checker) tokens(prefix string, t *Tokens) {
	for _, word := range t.HeaderTypes {
		if !headerWord().MatchString(word) {
			k.refuse(prefix+"header_types", prefix+"header_types takes words such as Bearer", shown(word)+" is none", "Bearer")
		}
	}
	if t.HeaderTypes != nil && len(t.HeaderTypes) == 0 {
		k.refuse(prefix+"header_types", prefix+"header_types is empty", "no token could be shown", "Bearer")
	}
	if t.HeaderName != "" && !headerWord().MatchString(t.HeaderName) {
		k.refuse(prefix+"header_name", prefix+"header_name should be the name of a header", shown(t.HeaderName)+" is none", "Authorization")
	}
	if t.AcceptKinds != nil && len(t.AcceptKinds) == 0 {
		k.refuse(prefix+"accept_kinds", prefix+"accept_kinds is empty", "no token would open a route", "access")
	}
	k.claimNames(prefix, t)
	k.extraClaims(prefix, t)
}

// claimNames holds that claims have names, and each its own.
func (k *checker) claimNames(prefix string, t *Tokens) {
	seen := map[string]bool{}
	for _, c := range []struct{ key, value, otherwise string }{
		{"kind_claim", t.KindClaim, "token_type"},
		{"id_claim", t.IDClaim, "jti"},
		{"user_id_claim", t.UserIDClaim, "user_id"},
		{"sliding_refresh_claim", t.SlidingRefreshClaim, "refresh_exp"},
		{"revoke_claim", t.RevokeClaim, "hash_password"},
	} {
		name := c.value
		if name == "" {
			name = c.otherwise
		}
		if !validClaim(name) || seen[name] || slices.Contains(registered, name) {
			k.refuse(prefix+c.key, prefix+c.key+" should be a name that no other claim has", "it is "+shown(name), c.otherwise)
		}
		seen[name] = true
	}
	for name := range t.ExtraClaims {
		if seen[name] {
			k.refuse(prefix+"extra_claims", prefix+"extra_claims takes names that no other claim has", shown(name)+" is another's", "email=email")
		}
	}
}

func (k *checker) extraClaims(prefix string, t *Tokens) {
	key := prefix + "extra_claims"
	if len(t.ExtraClaims) > maxExtra {
		k.refuse(key, key+" takes 16 claims at most", "every request carries them", "email=email")
	}
	for _, name := range slices.Sorted(maps.Keys(t.ExtraClaims)) {
		source := t.ExtraClaims[name]
		text, fixed := strings.CutPrefix(source, "=")
		if !validClaim(name) || slices.Contains(registered, name) || name == "deflated" {
			k.refuse(key, key+" takes names that no other claim has", shown(name)+" will not do", "email=email")
		}
		if fixed && len(text) > 200 || !fixed && !slices.Contains(claimFields, source) {
			k.refuse(key, key+" takes "+strings.Join(claimFields, ", ")+", or = and a text of 200 bytes at most",
				shown(source)+" of "+shown(name)+" is neither", "email=email")
		}
	}
}
