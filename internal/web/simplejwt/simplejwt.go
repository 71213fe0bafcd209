// Package simplejwt speaks the contract of djangorestframework-simplejwt, 5.2 (classic) and 5.5
// (modern): a pair of tokens, or a sliding one, that say what they are for. It owns the words and
// the claims; the rules are the account package's.
package simplejwt

import (
	"net/http"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web/drf"
)

// Options says how a mount differs from another.
type Options struct {
	// Types are the words before a token in the header, letter for letter; the first one is the challenge's.
	Types  []string
	Header string // that tokens come in: "Authorization"
	Modern bool   // answers as 5.5 does
	// Login is by which a body names what people sign in with; "": the policy's.
	Login account.Field
	// Cookies bring tokens, too, and make the refresh view dj-rest-auth's; nil: neither.
	Cookies *Cookies
}

func (o Options) challenge() string { return o.Types[0] + ` realm="api"` }

// word is what is said for a code: the sentence, and SimpleJWT's own code for it.
type word struct{ text, code string }

const notValid = "token_not_valid"

// wordsFor are the words for what can be wrong with a token. Classic has one for all that is wrong
// with its bytes, its times and its parties.
func wordsFor(modern bool) map[account.Code]word {
	invalid, expired := "Token is invalid or expired", "Token is invalid or expired"
	if modern {
		invalid, expired = "Token is invalid", "Token is expired"
	}
	words := map[account.Code]word{
		account.TokenExpired:      {expired, notValid},
		account.TokenUntimed:      {"Token has no 'exp' claim", notValid},
		account.TokenUnidentified: {"Token has no id", notValid},
		account.TokenUntyped:      {"Token has no type", notValid},
		account.TokenMistyped:     {"Token has wrong type", notValid},
		account.TokenEnded:        {"Token is blacklisted", notValid},
		account.NotRefreshable:    {"Token has no 'refresh_exp' claim", notValid},
		account.RefreshExpired:    {"Token 'refresh_exp' claim has expired", notValid},
	}
	for _, c := range []account.Code{account.TokenMalformed, account.TokenAlgorithm, account.TokenForged, account.TokenClaims, account.TokenParty} {
		words[c] = word{invalid, notValid}
	}
	return words
}

// ownerWords are what a route says about the user of a token that is good.
var ownerWords = map[account.Code]word{
	account.TokenUnowned:    {"Token contained no recognizable user identification", notValid},
	account.TokenNamed:      {"User not found", "user_not_found"},
	account.UserDisabled:    {"User is inactive", "user_inactive"},
	account.PasswordChanged: {"The user's password has been changed.", "password_changed"},
}

// find returns the word for the first problem of a refusal.
func find(words map[account.Code]word, err error) (word, bool) {
	refusal := account.Refusal(err)
	if refusal == nil || len(refusal.Problems) == 0 {
		return word{}, false
	}
	w, ok := words[refusal.Problems[0].Code]
	return w, ok
}

func unauthorized(w word, more ...drf.Member) *drf.Failure {
	body := drf.Object{{Name: "detail", Value: w.text}, {Name: "code", Value: w.code}}
	return &drf.Failure{Status: http.StatusUnauthorized, Body: append(body, more...)}
}

// Auth finds who is asking by a header such as "Authorization: Bearer <token>".
type Auth struct {
	accounts *account.Service
	policy   *account.Policy
	options  Options
	words    map[account.Code]word
}

// NewAuth makes an Auth.
func NewAuth(accounts *account.Service, policy *account.Policy, o Options) *Auth {
	return &Auth{accounts, policy, o, wordsFor(o.Modern)}
}

// Challenge implements web.Authenticator.
func (a *Auth) Challenge() string { return a.options.challenge() }

// Authenticate implements web.Authenticator.
func (a *Auth) Authenticate(r *http.Request, fresh bool) (*account.Principal, error) {
	if len(r.Header[a.options.Header]) == 0 {
		return a.byCookie(r, fresh)
	}
	words := strings.Fields(r.Header.Get(a.options.Header))
	if len(words) == 0 || !a.mine(words[0]) {
		return nil, nil
	}
	if len(words) != 2 {
		return nil, unauthorized(word{"Authorization header must contain two space-delimited values", "bad_authorization_header"})
	}
	return a.judge(r, words[1], fresh)
}

// byCookie is Authenticate where no header says who is asking.
func (a *Auth) byCookie(r *http.Request, fresh bool) (*account.Principal, error) {
	raw, ok := a.options.Cookies.opening(r)
	if !ok {
		return nil, nil
	}
	if reason := a.options.Cookies.Forgery(r); reason != "" {
		return nil, Refused(reason)
	}
	return a.judge(r, raw, fresh)
}

func (a *Auth) judge(r *http.Request, raw string, fresh bool) (*account.Principal, error) {
	judge := a.accounts.Recognize
	if fresh {
		judge = a.accounts.Authenticate
	}
	who, err := judge(r.Context(), a.policy, raw)
	if err == nil {
		return who, nil
	}
	if w, ok := find(ownerWords, err); ok {
		return nil, unauthorized(w)
	}
	if w, ok := find(a.words, err); ok {
		return nil, unauthorized(word{"Given token not valid for any token type", notValid},
			drf.Member{Name: "messages", Value: a.messages(w.text)})
	}
	return nil, err
}

// mine reports whether a header's first word is one of ours, in its own case.
func (a *Auth) mine(first string) bool {
	for _, t := range a.options.Types {
		if t == first {
			return true
		}
	}
	return false
}

var classNames = map[account.Kind]string{account.KindAccess: "AccessToken", account.KindSliding: "SlidingToken"}

// messages says text once for each kind that was tried.
func (a *Auth) messages(text string) []drf.Object {
	var all []drf.Object
	for _, kind := range a.policy.Tokens.Typed.Accept {
		all = append(all, drf.Object{
			{Name: "token_class", Value: classNames[kind]}, {Name: "token_type", Value: string(kind)}, {Name: "message", Value: text},
		})
	}
	return all
}
