package account

import (
	"errors"
	"strings"
	"time"

	"doorward/internal/password"
)

// Code is one way a request can fail, and an error itself: errors.Is(err, account.EmailTaken).
// It has no words for people; dialects own those.
type Code string

// The codes.
const (
	EmailTaken    Code = "email_taken"
	UsernameTaken Code = "username_taken"
	PhoneTaken    Code = "phone_taken"
	Invalid       Code = "invalid"  // a value that breaks the syntax of its field
	Required      Code = "required" // a value that is missing
	TooLong       Code = "too_long"
	ReadOnly      Code = "read_only" // a field that this way in cannot change

	// Of declared fields.
	Null          Code = "null"
	Blank         Code = "blank"
	WrongType     Code = "wrong_type"
	TooShort      Code = "too_short"
	TooBig        Code = "too_big"
	TooSmall      Code = "too_small"
	TooManyDigits Code = "too_many_digits"
	TooManyPlaces Code = "too_many_places"
	TooManyWhole  Code = "too_many_whole_digits"
	NotChoice     Code = "not_a_choice"
	NoMatch       Code = "no_match" // with the pattern of its field
	Taken         Code = "taken"    // by another row
	Unknown       Code = "unknown"  // no such field, or no such profile
	NotOfRole     Code = "not_of_role"
	ProfileExists Code = "profile_exists"
	ProfileNone   Code = "profile_none"

	PasswordSimilar Code = "password_too_similar"
	PasswordShort   Code = "password_too_short"
	PasswordCommon  Code = "password_too_common"
	PasswordNumeric Code = "password_entirely_numeric"
	PasswordLong    Code = "password_too_long"

	InvalidCredentials Code = "invalid_credentials" // unknown, disabled or wrong: never said which
	WrongPassword      Code = "wrong_password"      // of somebody who is signed in
	EmailUnverified    Code = "email_unverified"    // the password is right, and the address not shown to be his

	TokenMalformed Code = "token_malformed"
	TokenAlgorithm Code = "token_algorithm" // not the one of our key
	TokenForged    Code = "token_forged"    // a bad signature, or one of a key that is gone
	TokenExpired   Code = "token_expired"
	TokenClaims    Code = "token_claims"  // well signed, but a claim is missing or of the wrong type
	TokenParty     Code = "token_party"   // well signed, for another audience or by another issuer
	TokenNamed     Code = "token_named"   // it names nobody, or somebody else than its user id
	TokenUnnamed   Code = "token_unnamed" // it lacks the name that it should carry
	TokenEnded     Code = "token_ended"   // signed out
	UserDisabled   Code = "user_disabled"
	NotRefreshable Code = "not_refreshable" // a token that was not made to be refreshed
	RefreshExpired Code = "refresh_expired"

	LinkUser     Code = "link_user"     // a link that names nobody
	LinkToken    Code = "link_token"    // one that is not his, was used, or is too old
	LinkStale    Code = "link_stale"    // one that activates who is active
	EmailUnknown Code = "email_unknown" // nobody has this address who could get the mail
	SwitchedOff  Code = "switched_off"  // this mount does not do that
	Changed      Code = "changed"       // somebody else changed it meanwhile
	NoSuchUser   Code = "no_such_user"
	NotYours     Code = "not_yours" // it is there, and who asks may not have it
	Outranked    Code = "outranked" // it is about a superuser, and who asks is none

	// Of groups and permissions.
	NoSuchGroup      Code = "no_such_group"
	NoSuchPermission Code = "no_such_permission"
	GroupTaken       Code = "group_taken"
	PermissionTaken  Code = "permission_taken"

	// Of mounts that tell kinds of tokens apart.
	TokenUntimed      Code = "token_untimed"      // it never expires
	TokenUnidentified Code = "token_unidentified" // it has no id
	TokenUntyped      Code = "token_untyped"      // it does not say its kind
	TokenMistyped     Code = "token_mistyped"     // it is of another kind
	TokenUnowned      Code = "token_unowned"      // it names no user
	PasswordChanged   Code = "password_changed"   // since the token was made

	NotIndexed Code = "not_indexed" // the table has no index to find it by
	TooMany    Code = "too_many"    // rows for a list without pages

	Busy        Code = "busy"        // shed before any work; see Error.RetryAfter
	Unavailable Code = "unavailable" // the database is away; see UnavailableError
)

// Error implements error.
func (c Code) Error() string { return string(c) }

// Problem is one thing wrong with a request.
type Problem struct {
	Code  Code
	Field Field // "" when it belongs to no field
	// Profile is the kind of profile that the field belongs to; "" where it is the user's own.
	Profile string
	// Label is the attribute that a password resembles, or what was no choice; Limit a length or a bound.
	Label string
	Limit int
}

// Error is a refusal that the caller can act on.
type Error struct {
	Problems   []Problem
	RetryAfter time.Duration // with Busy and Unavailable
}

// Error implements error; for logs, not for people.
func (e *Error) Error() string {
	words := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		words[i] = string(p.Code)
	}
	return strings.Join(words, ", ")
}

// Is reports whether target is the code of one of the problems.
func (e *Error) Is(target error) bool {
	c, ok := target.(Code)
	if !ok {
		return false
	}
	for _, p := range e.Problems {
		if p.Code == c {
			return true
		}
	}
	return false
}

// retryUnavailable is when to ask again while the database is away.
const retryUnavailable = 2 * time.Second

// Refusal returns the *Error in err's chain, or nil when err is a fault. An *UnavailableError is one
// with the code Unavailable.
func Refusal(err error) *Error {
	var e *Error
	var away *UnavailableError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &away):
		return &Error{Problems: []Problem{{Code: Unavailable}}, RetryAfter: retryUnavailable}
	}
	return nil
}

func fail(c Code) error { return &Error{Problems: []Problem{{Code: c}}} }

func failField(c Code, f Field) error { return &Error{Problems: []Problem{{Code: c, Field: f}}} }

var ruleCodes = map[password.Rule]Code{
	password.Similarity: PasswordSimilar,
	password.MinLength:  PasswordShort,
	password.Common:     PasswordCommon,
	password.Numeric:    PasswordNumeric,
}

func passwordProblems(vs []password.Violation) []Problem {
	var ps []Problem
	for _, v := range vs {
		ps = append(ps, Problem{Code: ruleCodes[v.Rule], Field: Password, Label: v.Label, Limit: v.Min})
	}
	return ps
}
