// Package drfjwt speaks the contract of djangorestframework-jwt 1.11: one token that is shown in
// "Authorization: JWT …" and exchanged for the next one. It owns the words and the claims; the
// rules are the account package's.
package drfjwt

import (
	"net/http"
	"strings"
	"unicode"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// OwnClaims are the claims of drf-jwt's own payload handler. The login field stands under its own
// name too, which is "email" or the "username" that is there already.
func OwnClaims(renewable bool) []account.Claim {
	return chain(renewable,
		account.Claim{Name: "user_id", Source: account.FromUserID},
		account.Claim{Name: "username", Source: account.FromLogin},
		account.Claim{Name: "exp", Source: account.FromExpiry},
		account.Claim{Name: "email", Source: account.FromEmail},
	)
}

// LevelClaims are the claims of a payload that says which second factor it was verified with.
func LevelClaims(renewable bool) []account.Claim {
	return chain(renewable,
		account.Claim{Name: "user_id", Source: account.FromUserID},
		account.Claim{Name: "username", Source: account.FromLogin},
		account.Claim{Name: "exp", Source: account.FromExpiry},
		account.Claim{Name: "otp_device_id", Source: account.FromLevel},
	)
}

// PartyClaims say for whom a token is and who made it, where a mount asks for that.
func PartyClaims(audience []string, issuer string) (claims []account.Claim) {
	switch len(audience) {
	case 0:
	case 1:
		claims = append(claims, account.Claim{Name: "aud", Source: account.FromSetting, Value: audience[0]})
	default:
		claims = append(claims, account.Claim{Name: "aud", Source: account.FromSetting, Value: audience})
	}
	if issuer != "" {
		claims = append(claims, account.Claim{Name: "iss", Source: account.FromSetting, Value: issuer})
	}
	return claims
}

func chain(renewable bool, claims ...account.Claim) []account.Claim {
	if renewable {
		claims = append(claims, account.Claim{Name: "orig_iat", Source: account.FromFirstIssued})
	}
	return claims
}

// Auth finds who is asking by the header "Authorization: <prefix> <token>".
type Auth struct {
	accounts *account.Service
	policy   *account.Policy
	prefix   string
	cookie   *Cookie // that brings a token, too; nil: none does
}

// NewAuth makes an Auth. prefix is "JWT" unless the settings say otherwise; its case does not matter.
func NewAuth(accounts *account.Service, policy *account.Policy, prefix string, cookie *Cookie) *Auth {
	return &Auth{accounts, policy, prefix, cookie}
}

var authWords = drf.Words{
	account.TokenMalformed: unauthorized("Error decoding signature."),
	account.TokenForged:    unauthorized("Error decoding signature."),
	account.TokenEnded:     unauthorized("Error decoding signature."),
	account.TokenClaims:    unauthorized("Error decoding signature."),
	account.TokenAlgorithm: unauthorized("Incorrect authentication credentials."),
	account.TokenParty:     unauthorized("Incorrect authentication credentials."),
	account.TokenExpired:   unauthorized("Signature has expired."),
	account.TokenUnnamed:   unauthorized("Invalid payload."),
	account.TokenNamed:     unauthorized("Invalid signature."),
	account.UserDisabled:   unauthorized("User account is disabled."),
}

func unauthorized(text string) drf.Word { return drf.Word{Text: text, Status: http.StatusUnauthorized} }

// Authenticate implements web.Authenticator.
func (a *Auth) Authenticate(r *http.Request, fresh bool) (*account.Principal, error) {
	header := r.Header.Get("Authorization")
	if raw, ok := strings.CutPrefix(header, a.prefix+" "); ok && raw != "" && strings.IndexFunc(raw, unicode.IsSpace) < 0 {
		return a.judge(r, raw, fresh) // as nearly all clients write it
	}
	words := strings.Fields(header)
	if raw := a.cookie.shown(r); len(words) == 0 && raw != "" {
		if reason := a.cookie.forgery(r); reason != "" {
			return nil, drf.Detail(http.StatusForbidden, "CSRF Failed: "+reason)
		}
		return a.judge(r, raw, fresh)
	}
	if len(words) == 0 || !strings.EqualFold(words[0], a.prefix) {
		return nil, nil
	}
	switch {
	case len(words) == 1:
		return nil, drf.Detail(http.StatusUnauthorized, "Invalid Authorization header. No credentials provided.")
	case len(words) > 2:
		return nil, drf.Detail(http.StatusUnauthorized, "Invalid Authorization header. Credentials string should not contain spaces.")
	}
	return a.judge(r, words[1], fresh)
}

func (a *Auth) judge(r *http.Request, raw string, fresh bool) (*account.Principal, error) {
	judge := a.accounts.Recognize
	if fresh {
		judge = a.accounts.Authenticate
	}
	who, err := judge(r.Context(), a.policy, raw)
	if err != nil {
		return nil, authWords.Explain(err)
	}
	return who, nil
}

// Challenge implements web.Authenticator.
func (a *Auth) Challenge() string { return a.prefix + ` realm="api"` }

// Views are the three views of drf-jwt.
type Views struct {
	accounts *account.Service
	policy   *account.Policy
	cookie   *Cookie // that answers set; nil: none
}

// New makes the views of a mount that follows policy.
func New(accounts *account.Service, policy *account.Policy, cookie *Cookie) *Views {
	return &Views{accounts, policy, cookie}
}

// Routes is the route table. All of them look at the body's token only, not at the header.
func (v *Views) Routes() []web.Route {
	token := []web.Field{{Name: "token", Label: "Token", Required: true}}
	login := string(v.policy.Login)
	return []web.Route{
		{
			Op: "jwt-create", Method: "POST", Path: "jwt/create/", Access: web.Anyone, Anonymous: true, Handler: v.create,
			View: "Obtain Json Web Token",
			Doc:  "Takes a user's login name and password, and returns a JSON web token for authenticated requests.",
			Input: []web.Field{
				{Name: login, Label: strings.ToUpper(login[:1]) + login[1:], Required: true},
				{Name: "password", Label: "Password", Kind: web.Secret, Required: true},
			},
			Output: token, Status: http.StatusOK,
		},
		{
			Op: "jwt-refresh", Method: "POST", Path: "jwt/refresh/", Access: web.Anyone, Anonymous: true, Fresh: true, Handler: v.refresh,
			View:  "Refresh Json Web Token",
			Doc:   "Returns a new token for one that is still good, until the refresh window of the sign-in is over.",
			Input: token, Output: token, Status: http.StatusOK,
		},
		{
			Op: "jwt-verify", Method: "POST", Path: "jwt/verify/", Access: web.Anyone, Anonymous: true, Handler: v.verify,
			View:  "Verify Json Web Token",
			Doc:   "Returns the token if it is good.",
			Input: token, Output: token, Status: http.StatusOK,
		},
	}
}

var viewWords = drf.Words{
	account.InvalidCredentials: {Text: "Unable to log in with provided credentials."},
	account.TokenMalformed:     {Text: "Error decoding signature."},
	account.TokenForged:        {Text: "Error decoding signature."},
	account.TokenEnded:         {Text: "Error decoding signature."},
	account.TokenClaims:        {Text: "Error decoding signature."},
	account.TokenAlgorithm:     {Text: "Error decoding signature."},
	account.TokenParty:         {Text: "Error decoding signature."},
	account.TokenExpired:       {Text: "Signature has expired."},
	account.TokenUnnamed:       {Text: "Invalid payload."},
	account.TokenNamed:         {Text: "User doesn't exist."},
	account.UserDisabled:       {Text: "User account is disabled."},
	account.NotRefreshable:     {Text: "orig_iat field is required."},
	account.RefreshExpired:     {Text: "Refresh has expired."},
}

func (v *Views) answer(w http.ResponseWriter, r *web.Request, token string) error {
	if v.cookie != nil {
		v.cookie.Give(w.Header(), r.Request, token)
	}
	return drf.JSON(w, http.StatusOK, drf.Object{{Name: "token", Value: token}})
}

func (v *Views) create(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	g, err := v.accounts.SignIn(r.Context(), v.policy, account.Credentials{Login: in.Text(string(v.policy.Login)), Password: in.Text("password")})
	if err != nil {
		return viewWords.Explain(err)
	}
	return v.answer(w, r, g.Access)
}

func (v *Views) refresh(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	g, err := v.accounts.Renew(r.Context(), v.policy, in.Text("token"))
	if err != nil {
		return viewWords.Explain(err)
	}
	return v.answer(w, r, g.Access)
}

func (v *Views) verify(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if _, err := v.accounts.Authenticate(r.Context(), v.policy, in.Text("token")); err != nil {
		return viewWords.Explain(err)
	}
	return v.answer(w, r, in.Text("token"))
}
