package djoser

import (
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Words of both versions; what they say about a bad link is their own.
const (
	badUID       = "Invalid user id or user doesn't exist."
	badToken     = "Invalid token for given user."
	staleToken   = "Stale token for given user."
	unknownEmail = "User with given email does not exist."
)

func link(in drf.Values) account.Link {
	return account.Link{UID: in.Text("uid"), Token: in.Text("token")}
}

// activate answers a link that activates.
func (d *dialect) activate(words drf.Words) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		if err := d.accounts.Activate(r.Asking(), d.policy, link(in)); err != nil {
			return words.Explain(err)
		}
		return drf.NoContent(w)
	}
}

// passwordWords tell of a new password under its own name.
func passwordWords(words drf.Words) drf.Words {
	all := drf.Words{}
	for code, word := range words {
		all[code] = word
	}
	for _, code := range []account.Code{
		account.PasswordSimilar, account.PasswordShort, account.PasswordCommon, account.PasswordNumeric, account.PasswordLong,
	} {
		all[code] = drf.Word{Field: "new_password"}
	}
	all[account.Invalid] = drf.Word{Field: "new_password", Text: "Enter a valid value."}
	all[account.WrongPassword] = drf.Word{Field: "current_password", Text: "Invalid password."}
	return all
}

// setPassword answers who is signed in and wants another password.
func (d *dialect) setPassword(w http.ResponseWriter, r *web.Request) error {
	if r.Who == nil { // where anyone may come in
		return drf.NotAuthenticated()
	}
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	words, fresh := passwordWords(nil), in.Text("new_password")
	if mismatch := same(in, d.RetypePassword, "new_password", "password"); mismatch != nil {
		if err := d.accounts.JudgePassword(d.policy, r.Who, fresh); err != nil { // says so first
			return words.Explain(err)
		}
		return mismatch
	}
	if err := d.accounts.ChangePassword(r.Asking(), d.policy, r.Who, in.Text("current_password"), fresh); err != nil {
		return words.Explain(err)
	}
	return drf.NoContent(w)
}

// requestPassword and requestLogin answer who forgot one of them.
func (d *dialect) requestPassword(words drf.Words) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		if err := d.accounts.RequestPasswordReset(r.Asking(), d.policy, in.Text("email")); err != nil {
			return words.Explain(err)
		}
		return drf.NoContent(w)
	}
}

func (d *dialect) requestLogin(words drf.Words) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		if err := d.accounts.RequestLoginReset(r.Asking(), d.policy, in.Text("email")); err != nil {
			return words.Explain(err)
		}
		return drf.NoContent(w)
	}
}

// resetPassword answers the link that sets another password.
func (d *dialect) resetPassword(linkWords drf.Words) web.Handler {
	words := passwordWords(linkWords)
	return func(w http.ResponseWriter, r *web.Request) error {
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		fresh := in.Text("new_password")
		if mismatch := same(in, d.RetypeResetPassword, "new_password", "password"); mismatch != nil {
			if err := d.accounts.JudgePassword(d.policy, r.Who, fresh); err != nil { // says so first
				return words.Explain(err)
			}
			return mismatch
		}
		if err := d.accounts.ResetPassword(r.Asking(), d.policy, r.Who, link(in), fresh); err != nil {
			return words.Explain(err)
		}
		return drf.NoContent(w)
	}
}

// loginWords tell of a new login under its own name.
func (d *dialect) loginWords(words drf.Words) drf.Words {
	all := drf.Words{}
	for code, word := range words {
		all[code] = word
	}
	name, taken := "new_"+string(d.login()), d.field(d.login(), true).TakenText
	all[account.UsernameTaken] = drf.Word{Field: name, Text: taken}
	all[account.EmailTaken] = drf.Word{Field: name, Text: taken}
	all[account.Invalid] = drf.Word{Field: name, Text: "Enter a valid value."}
	all[account.TooLong] = drf.Word{Field: name}
	all[account.WrongPassword] = drf.Word{Field: "current_password", Text: "Invalid password."}
	all[account.Changed] = drf.Word{Field: name, Text: "This value was changed meanwhile."}
	return all
}

// setLogin answers who is signed in and wants to sign in with another text.
func (d *dialect) setLogin() web.Handler {
	words, name := d.loginWords(nil), "new_"+string(d.login())
	return func(w http.ResponseWriter, r *web.Request) error {
		if r.Who == nil {
			return drf.NotAuthenticated()
		}
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		if err := same(in, d.RetypeLogin, name, string(d.login())); err != nil {
			return err
		}
		if err := d.accounts.ChangeLogin(r.Asking(), d.policy, r.Who, d.login(), in.Text("current_password"), in.Text(name)); err != nil {
			return words.Explain(err)
		}
		return drf.NoContent(w)
	}
}

// resetLogin answers the link that does so.
func (d *dialect) resetLogin(linkWords drf.Words) web.Handler {
	words, name := d.loginWords(linkWords), "new_"+string(d.login())
	return func(w http.ResponseWriter, r *web.Request) error {
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		if err := same(in, d.RetypeResetLogin, name, string(d.login())); err != nil {
			return err
		}
		if err := d.accounts.ResetLogin(r.Asking(), d.policy, link(in), d.login(), in.Text(name)); err != nil {
			return words.Explain(err)
		}
		return drf.NoContent(w)
	}
}

// tokens are the fields of a sign-in that gives an opaque token. Neither is required: who leaves one
// out is told what somebody is told whose password is wrong.
func (d *dialect) tokens() []web.Field {
	name := string(d.Login)
	return []web.Field{{Name: "password", Label: "Password", Kind: web.Secret}, {Name: name, Label: capital(name)}}
}

// opaqueToken is what such a sign-in gives.
var opaqueToken = []web.Field{{Name: "auth_token", Label: "Auth token", Required: true}}

func capital(name string) string { return string(name[0]-'a'+'A') + name[1:] }

// signIn answers with the opaque token of a user.
func (d *dialect) signIn(refusal string) web.Handler {
	words := drf.Words{account.InvalidCredentials: {Text: refusal}}
	return func(w http.ResponseWriter, r *web.Request) error {
		in, err := drf.Read(r)
		if err != nil {
			return err
		}
		text, err := d.opaque(w, r, account.Credentials{Login: in.Text(string(d.Login)), Password: in.Text("password")})
		if err != nil {
			return words.Explain(err)
		}
		return drf.JSON(w, http.StatusOK, drf.Object{{Name: "auth_token", Value: text}})
	}
}

// opaque gives the token, and a session of cookies where that is set (CREATE_SESSION_ON_LOGIN).
func (d *dialect) opaque(w http.ResponseWriter, r *web.Request, c account.Credentials) (string, error) {
	if d.Sessions == nil {
		return d.accounts.SignInOpaque(r.Context(), d.policy, c)
	}
	text, session, err := d.accounts.SignInBrowser(r.Context(), d.policy, c, d.Sessions.Shown(r.Request))
	if err == nil {
		d.Sessions.Give(w.Header(), r.Request, session)
	}
	return text, err
}

// signOut takes it away. The body is not looked at.
func (d *dialect) signOut(w http.ResponseWriter, r *web.Request) error {
	if r.Who == nil {
		return drf.NotAuthenticated()
	}
	if d.Sessions == nil {
		if err := d.accounts.SignOutOpaque(r.Context(), d.policy, r.Who); err != nil {
			return err
		}
		return drf.NoContent(w)
	}
	shown := d.Sessions.Shown(r.Request)
	if err := d.accounts.SignOutBrowser(r.Context(), d.policy, r.Who, shown); err != nil {
		return err
	}
	if shown != "" {
		d.Sessions.Drop(w.Header(), r.Request)
	}
	return drf.NoContent(w)
}
