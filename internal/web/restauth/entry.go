package restauth

import (
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// entrance are the fields of a sign-in.
func entrance() []web.Field {
	return []web.Field{
		{Name: "username", Label: "Username", Blank: true},
		{Name: "email", Label: "Email", Kind: web.Email, Blank: true},
		{Name: "password", Label: "Password", Kind: web.Secret, Required: true},
	}
}

var entryWords = drf.Words{
	account.InvalidCredentials: {Text: "Unable to log in with provided credentials."},
	account.EmailUnverified:    {Text: "E-mail is not verified."},
}

// missing says what a sign-in lacks; "": nothing.
func (v *Views) missing(e account.Entrance) string {
	switch {
	case v.policy.Entry.By == account.ByAddress && e.Email == "":
		return `Must include "email" and "password".`
	case v.policy.Entry.By == account.ByName && e.Username == "":
		return `Must include "username" and "password".`
	case v.policy.Entry.By == account.ByEither && e.Username == "" && e.Email == "":
		return `Must include either "username" or "email" and "password".`
	}
	return ""
}

func (v *Views) login(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	e := account.Entrance{Username: in.Text("username"), Email: in.Text("email"), Password: in.Text("password")}
	if text := v.missing(e); text != "" {
		return drf.NonField(text)
	}
	entry, err := v.accounts.Enter(r.Context(), v.policy, e, browser(v.Sessions, r))
	if err != nil {
		return entryWords.Explain(err)
	}
	if v.pairs() {
		v.giveBrowser(w, r, v.Sessions, &entry)
		return v.enterPair(w, r, &entry)
	}
	return v.enter(w, r, http.StatusOK, v.Sessions, &entry)
}

// browser says what becomes of the cookies of who asks.
func browser(s *drf.Sessions, r *web.Request) account.Browser {
	if s == nil {
		return account.Browser{}
	}
	return account.Browser{Open: true, Shown: s.Shown(r.Request)}
}

// entered are the members of what enter answers.
func (v *Views) entered() []web.Field {
	switch {
	case v.policy.Entry.Bare:
		return nil
	case v.pairs():
		return v.pairFields()
	case v.policy.Entry.Opaque:
		return []web.Field{{Name: "key", Required: true}}
	}
	return []web.Field{{Name: "token", Required: true}, {Name: "user", Required: true, Fields: v.user}}
}

// enteredStatus is that of an answer, where there is one.
func (v *Views) enteredStatus(status int) int {
	if v.policy.Entry.Bare {
		return http.StatusNoContent
	}
	return status
}

// enter answers with what somebody got who was let in.
func (v *Views) enter(w http.ResponseWriter, r *web.Request, status int, s *drf.Sessions, e *account.Entry) error {
	v.giveBrowser(w, r, s, e)
	switch {
	case v.policy.Entry.Bare:
		w.WriteHeader(http.StatusNoContent)
		return nil
	case v.pairs():
		return drf.JSON(w, status, v.pair(e, e.Pair.Refresh)) // without cookies, and whole
	case v.policy.Entry.Opaque:
		return drf.JSON(w, status, drf.Object{{Name: "key", Value: e.Token}})
	}
	if v.Cookie != nil {
		v.Cookie.Give(w.Header(), r.Request, e.Token)
	}
	return drf.JSON(w, status, drf.Object{{Name: "token", Value: e.Token}, {Name: "user", Value: v.shape(&e.User)}})
}

func (v *Views) giveBrowser(w http.ResponseWriter, r *web.Request, s *drf.Sessions, e *account.Entry) {
	if s != nil {
		s.Give(w.Header(), r.Request, e.Browser)
	}
}

// browserShown is the session of cookies that r shows.
func (v *Views) browserShown(r *web.Request) string {
	if v.Sessions == nil {
		return ""
	}
	return v.Sessions.Shown(r.Request)
}

func (v *Views) dropBrowser(w http.ResponseWriter, r *web.Request, shown string) {
	if shown != "" {
		v.Sessions.Drop(w.Header(), r.Request)
	}
}

func (v *Views) logout(w http.ResponseWriter, r *web.Request) error {
	if v.pairs() {
		return v.logoutPair(w, r)
	}
	if v.Newer != nil && r.Who == nil && v.Sessions == nil {
		return detail(w, http.StatusBadRequest, notSignedIn)
	}
	shown := v.browserShown(r)
	if err := v.accounts.Leave(r.Context(), v.policy, r.Who, shown); err != nil {
		return err
	}
	v.dropBrowser(w, r, shown)
	if v.Cookie != nil {
		v.Cookie.Drop(w.Header(), r.Request)
	}
	return detail(w, http.StatusOK, signedOut)
}
