package drf

import (
	"encoding/base64"
	"net/http"
	"strings"
	"unicode/utf8"

	"doorward/internal/account"
	"doorward/internal/web"
)

// scheme takes the credentials of one scheme out of the Authorization header, as REST framework's
// own authenticators do: keyword in any case, then one word. what is how the messages call it.
func scheme(r *http.Request, keyword, what, words string) (text string, ok bool, err error) {
	parts := strings.Fields(r.Header.Get("Authorization"))
	if len(parts) == 0 || !strings.EqualFold(parts[0], keyword) {
		return "", false, nil
	}
	switch {
	case len(parts) == 1:
		err = Detail(http.StatusUnauthorized, "Invalid "+what+" header. No credentials provided.")
	case len(parts) > 2:
		err = Detail(http.StatusUnauthorized, "Invalid "+what+" header. "+words+" string should not contain spaces.")
	default:
		return parts[1], true, nil
	}
	return "", false, err
}

// OpaqueAuth is rest_framework.authentication.TokenAuthentication.
type OpaqueAuth struct{ accounts *account.Service }

var _ web.Authenticator = (*OpaqueAuth)(nil)

// NewOpaqueAuth makes one.
func NewOpaqueAuth(accounts *account.Service) *OpaqueAuth { return &OpaqueAuth{accounts} }

var opaqueWords = Words{
	account.TokenForged:  {Text: "Invalid token.", Status: http.StatusUnauthorized},
	account.TokenEnded:   {Text: "Invalid token.", Status: http.StatusUnauthorized},
	account.UserDisabled: {Text: "User inactive or deleted.", Status: http.StatusUnauthorized},
}

// Authenticate implements web.Authenticator. It always reads rows.
func (a *OpaqueAuth) Authenticate(r *http.Request, _ bool) (*account.Principal, error) {
	text, ok, err := scheme(r, "Token", "token", "Token")
	if !ok || err != nil {
		return nil, err
	}
	who, err := a.accounts.AuthenticateOpaque(r.Context(), text)
	if err != nil {
		return nil, opaqueWords.Explain(err)
	}
	return who, nil
}

// Challenge implements web.Authenticator.
func (a *OpaqueAuth) Challenge() string { return "Token" }

// BasicAuth is rest_framework.authentication.BasicAuthentication: a password with every request.
type BasicAuth struct {
	accounts *account.Service
	policy   *account.Policy
}

var _ web.Authenticator = (*BasicAuth)(nil)

// NewBasicAuth makes one.
func NewBasicAuth(accounts *account.Service, policy *account.Policy) *BasicAuth {
	return &BasicAuth{accounts, policy}
}

var basicWords = Words{account.InvalidCredentials: {Text: "Invalid username/password.", Status: http.StatusUnauthorized}}

// Authenticate implements web.Authenticator. It hashes each time.
func (a *BasicAuth) Authenticate(r *http.Request, _ bool) (*account.Principal, error) {
	text, ok, err := scheme(r, "Basic", "basic", "Credentials")
	if !ok || err != nil {
		return nil, err
	}
	plain, ok := unbase64(text)
	name, password, _ := strings.Cut(plain, ":")
	if !ok {
		return nil, Detail(http.StatusUnauthorized, "Invalid basic header. Credentials not correctly base64 encoded.")
	}
	who, err := a.accounts.Identify(r.Context(), a.policy, account.Credentials{Login: name, Password: password})
	if err != nil {
		return nil, basicWords.Explain(err)
	}
	return who, nil
}

// unbase64 decodes as Python's b64decode does, which passes over what is not of the alphabet. What is not UTF-8 is
// Latin-1.
func unbase64(text string) (string, bool) {
	plain, err := base64.StdEncoding.DecodeString(strings.Map(func(c rune) rune {
		if c < utf8.RuneSelf && strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=", c) {
			return c
		}
		return -1
	}, text))
	if utf8.Valid(plain) {
		return string(plain), err == nil
	}
	latin := make([]rune, len(plain))
	for i, b := range plain {
		latin[i] = rune(b)
	}
	return string(latin), err == nil
}

// Challenge implements web.Authenticator.
func (a *BasicAuth) Challenge() string { return `Basic realm="api"` }
