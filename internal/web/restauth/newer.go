package restauth

import (
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Newer makes the views dj-rest-auth's.
type Newer struct {
	// Cookies bring the pair of tokens that a sign-in gives, too.
	Cookies TokenCookies
	// Expirations says when the tokens of a sign-in expire (JWT_AUTH_RETURN_EXPIRATION).
	Expirations bool
	// CookieAlone keeps refresh tokens out of the bodies of sign-ins, and looks for them in no body at sign-outs
	// (JWT_AUTH_HTTPONLY). Named says that the access token has a cookie.
	CookieAlone, Named bool
}

// TokenCookies are the cookies of a pair of tokens.
type TokenCookies interface {
	Give(h http.Header, r *http.Request, g *account.Grant)
	Drop(h http.Header, r *http.Request)
	// Shown is the refresh token that r brings.
	Shown(r *http.Request) (string, bool)
	// Forgery says why the page that sent r may not write by them; "": it may.
	Forgery(r *http.Request) string
}

// pairs reports whether a sign-in gives an access and a refresh token.
func (v *Views) pairs() bool { return v.Newer != nil && !v.policy.Entry.Opaque && !v.policy.Entry.Bare }

// slashless lets paths go without the slash at their end.
func slashless(routes []web.Route) []web.Route {
	for i := range routes {
		if r := &routes[i]; r.Path != "registration/" && r.Op != "account_confirm_email" {
			r.Also = r.Path[:len(r.Path)-1]
		}
	}
	return routes
}

// pairFields are the members of what enterPair answers.
func (v *Views) pairFields() []web.Field {
	fields := []web.Field{{Name: "access", Required: true}, {Name: "refresh", Required: true}, {Name: "user", Required: true, Fields: v.user}}
	if v.Newer.Expirations {
		fields = append(fields, web.Field{Name: "access_expiration", Kind: web.Moment}, web.Field{Name: "refresh_expiration", Kind: web.Moment})
	}
	return fields
}

// enterPair answers a sign-in with its tokens.
func (v *Views) enterPair(w http.ResponseWriter, r *web.Request, e *account.Entry) error {
	v.Newer.Cookies.Give(w.Header(), r.Request, &e.Pair)
	refresh := e.Pair.Refresh
	if v.Newer.CookieAlone {
		refresh = ""
	}
	o := v.pair(e, refresh)
	if v.Newer.Expirations {
		o = append(o, drf.Member{Name: "access_expiration", Value: account.TimeValue(e.Pair.Expires)},
			drf.Member{Name: "refresh_expiration", Value: account.TimeValue(e.Pair.RefreshExpires)})
	}
	return drf.JSON(w, http.StatusOK, o)
}

func (v *Views) pair(e *account.Entry, refresh string) drf.Object {
	return drf.Object{{Name: "access", Value: e.Pair.Access}, {Name: "refresh", Value: refresh}, {Name: "user", Value: v.shape(&e.User)}}
}

// What a sign-out says.
const (
	signedOut    = "Successfully logged out."
	notSignedIn  = "You should be logged in to logout. Check whether the token is passed."
	notEnded     = "Neither cookies or blacklist are enabled, so the token has not been deleted server side. Please make sure the token is deleted client side."
	notInCookies = "Refresh token was not included in cookie data."
	notInBody    = "Refresh token was not included in request data."
)

// leaveWords are the words for refresh tokens: those of SimpleJWT 5.2, or from 5.3 on.
func leaveWords(modern bool) drf.Words {
	invalid, expired := "Token is invalid or expired", "Token is invalid or expired"
	if modern {
		invalid, expired = "Token is invalid", "Token is expired"
	}
	words := drf.Words{
		account.TokenExpired: {Text: expired}, account.TokenUntimed: {Text: "Token has no 'exp' claim"},
		account.TokenUnidentified: {Text: "Token has no id"}, account.TokenUntyped: {Text: "Token has no type"},
		account.TokenMistyped: {Text: "Token has wrong type"}, account.TokenEnded: {Text: "Token is blacklisted"},
	}
	for _, c := range []account.Code{
		account.TokenMalformed, account.TokenAlgorithm, account.TokenForged, account.TokenClaims, account.TokenParty,
		account.TokenNamed, account.TokenUnowned, account.UserDisabled,
	} {
		words[c] = drf.Word{Text: invalid}
	}
	return words
}

// leaving is the body of a sign-out.
var leaving = []web.Field{{Name: "refresh", Label: "Refresh", Blank: true}}

// leavingTold is what OPTIONS tells of it: the original's view has no serializer.
func leavingTold(*web.Request) []web.Field { return nil }

// logoutPair ends the session of a refresh token. The cookies go whatever becomes of that.
func (v *Views) logoutPair(w http.ResponseWriter, r *web.Request) error {
	raw, missing, err := v.refreshOf(r)
	if err != nil {
		return err
	}
	session := v.browserShown(r)
	v.Newer.Cookies.Drop(w.Header(), r.Request)
	v.dropBrowser(w, r, session)
	if missing != "" || !v.endsTokens() {
		err = v.accounts.Leave(r.Context(), v.policy, r.Who, session)
	} else {
		err = v.accounts.LeaveBy(r.Context(), v.policy, r.Who, session, raw)
	}
	texts, err := v.leave.Texts(err)
	switch {
	case err != nil:
		return err
	case !v.endsTokens() && !v.Newer.Named:
		return detail(w, http.StatusOK, notEnded)
	case !v.endsTokens():
		return detail(w, http.StatusOK, signedOut)
	case missing != "":
		texts = []string{missing}
	}
	if len(texts) > 0 { // it is no refusal of the request's own credentials, so it has no challenge
		return detail(w, http.StatusUnauthorized, texts[0])
	}
	return detail(w, http.StatusOK, signedOut)
}

// endsTokens reports whether a refresh token can be ended before its time.
func (v *Views) endsTokens() bool { return !v.policy.Tokens.Typed.NoBlacklist }

// refreshOf is the refresh token that somebody leaves with, or what is said of one that is missing.
func (v *Views) refreshOf(r *web.Request) (raw, missing string, err error) {
	c := v.Newer.Cookies
	if !v.Newer.CookieAlone {
		in, err := drf.Read(r)
		if err == nil && !in.Has("refresh") {
			missing = notInBody
		}
		return in.Text("refresh"), missing, err
	}
	raw, ok := c.Shown(r.Request)
	if !ok {
		return "", notInCookies, nil
	}
	if reason := c.Forgery(r.Request); reason != "" {
		return "", "", drf.Detail(http.StatusForbidden, "CSRF Failed: "+reason)
	}
	return raw, "", nil
}

// resending is the route of who has lost his key.
func (v *Views) resending() web.Route {
	return web.Route{
		Op: "rest_resend_email", Method: "POST", Path: "registration/resend-email/", Access: web.Anyone, Fresh: true, Handler: v.resend,
		View: "Resend Email Verification", Doc: "Resends another email to an unverified email.", NoSuffix: true,
		Input:  []web.Field{{Name: "email", Label: "Email", Kind: web.Email, Required: v.NeedEmail}},
		Output: said, Status: http.StatusOK,
	}
}

// resend answers alike after the same work whoever has the address.
func (v *Views) resend(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := v.accounts.ResendKey(asking(r), v.policy, in.Text("email")); err != nil {
		return err
	}
	return detail(w, http.StatusOK, "ok")
}
