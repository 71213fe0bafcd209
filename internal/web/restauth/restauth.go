// Package restauth speaks the contract of django-rest-auth 0.9.5: its views (Views.Routes), and those of its
// registration add-on over allauth's rules (Views.Registration), with the one page of allauth's that mails lead
// to. With Options.Newer it speaks that of dj-rest-auth 7.1, its successor. It owns their routes, words and shapes; the rules are the account package's.
package restauth

import (
	"context"
	"net/http"

	"doorward/internal/account"
	"doorward/internal/language"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Options are what an operator can ask of the views, beside the policy.
type Options struct {
	// AskPassword wants the old password with a new one (OLD_PASSWORD_FIELD_ENABLED).
	AskPassword bool
	// NeedEmail and NeedName refuse a registration without (ACCOUNT_EMAIL_REQUIRED, ACCOUNT_USERNAME_REQUIRED).
	NeedEmail, NeedName bool
	// Sessions gives who signs in a session of cookies, too (REST_SESSION_LOGIN), SignUp who registers; nil: none.
	Sessions, SignUp *drf.Sessions
	Cookies          drf.SessionOptions // of the page's form
	// Cookie brings a token as the header does (JWT_AUTH_COOKIE); nil: none does.
	Cookie Cookie
	// Verified is where a browser goes whose key was good; "": it is shown a page.
	Verified string
	// ByGet takes a key from the link alone, without a button (ACCOUNT_CONFIRM_EMAIL_ON_GET).
	ByGet bool
	// Modern has SimpleJWT's words from 5.3 on.
	Modern bool
	Newer  *Newer // nil: the views are django-rest-auth's
}

// Cookie is a cookie that has a token in it.
type Cookie interface {
	Give(h http.Header, r *http.Request, token string)
	Drop(h http.Header, r *http.Request)
}

// Views are the views of django-rest-auth.
type Views struct {
	accounts *account.Service
	policy   *account.Policy
	Options
	user  []web.Field
	leave drf.Words // for refresh tokens
}

// New makes the views of a mount that follows policy.
func New(accounts *account.Service, policy *account.Policy, o Options) *Views {
	v := &Views{accounts: accounts, policy: policy, Options: o, leave: leaveWords(o.Modern)}
	v.user = v.details()
	return v
}

// Routes is the route table without registration, under django-rest-auth's names.
func (v *Views) Routes() []web.Route {
	user := web.Route{
		Op: "rest_user_details", Path: "user/", Access: web.SignedIn, View: "User Details", Input: v.user, NoSuffix: true,
		Doc: "Reads and updates the user who is signed in.", Output: v.user, Status: http.StatusOK,
	}
	get, put, patch := user, user, user
	get.Method, get.Handler, get.Input = "GET", v.show, nil
	put.Method, put.Handler, put.Fresh = "PUT", v.update, true
	patch.Method, patch.Handler, patch.Fresh = "PATCH", v.update, true
	logout := web.Route{
		Op: "rest_logout", Path: "logout/", Access: web.Anyone, Fresh: true, View: "Logout", NoSuffix: true,
		Doc: "Signs out: the opaque token of who asks ends, and so does the session that he showed.",
	}
	leave, refuse := logout, logout
	leave.Method, leave.Handler, leave.Output, leave.Status = "POST", v.logout, said, http.StatusOK
	refuse.Method, refuse.Handler = "GET", noGet // it is among the methods all the same
	if v.pairs() && !v.Newer.CookieAlone {
		leave.Input, leave.Told = leaving, leavingTold
	}
	routes := []web.Route{
		{
			Op: "rest_login", Method: "POST", Path: "login/", Access: web.Anyone, Fresh: true, Handler: v.login, View: "Login", NoSuffix: true,
			Doc: "Takes a user name, an address or both, and the password, and returns a token.", Input: entrance(), Output: v.entered(), Status: v.enteredStatus(http.StatusOK),
		},
		leave, refuse, get, put, patch,
		{
			Op: "rest_password_change", Method: "POST", Path: "password/change/", Access: web.SignedIn, Fresh: true, Handler: v.changePassword,
			View: "Password Change", Doc: "Sets another password of the user who is signed in.", Input: v.change(), NoSuffix: true,
			Output: said, Status: http.StatusOK,
		},
		{
			Op: "rest_password_reset", Method: "POST", Path: "password/reset/", Access: web.Anyone, Fresh: true, Handler: v.requestReset,
			View: "Password Reset", Doc: "Mails a link that sets another password.", NoSuffix: true,
			Input: []web.Field{{Name: "email", Label: "Email", Kind: web.Email, Required: true}}, Output: said, Status: http.StatusOK,
		},
		{
			Op: "rest_password_reset_confirm", Method: "POST", Path: "password/reset/confirm/", Access: web.Anyone, Fresh: true, Handler: v.reset,
			View: "Password Reset Confirm", Doc: "Sets another password by the link that was mailed.", NoSuffix: true,
			Input:  append(passwords(), web.Field{Name: "uid", Label: "Uid", Required: true}, web.Field{Name: "token", Label: "Token", Required: true}),
			Output: said, Status: http.StatusOK,
		},
	}
	if v.Newer != nil {
		return slashless(routes)
	}
	return routes
}

// said is the answer of detail.
var said = []web.Field{{Name: "detail", Required: true}}

// detail answers with one sentence.
func detail(w http.ResponseWriter, status int, text string) error {
	return drf.JSON(w, status, drf.Object{{Name: "detail", Value: text}})
}

// asking is the context of a call that may cause a mail.
func asking(r *web.Request) context.Context {
	return account.Asking(r.Context(), account.Asker{Origin: web.BaseURL(r.Request), Languages: language.Accepted(r.Header.Get("Accept-Language"))})
}

func noGet(http.ResponseWriter, *web.Request) error {
	return drf.Detail(http.StatusMethodNotAllowed, `Method "GET" not allowed.`)
}
