// Package native is Doorward's own API under /v1/: JSON in and out, and errors as problem
// details (RFC 9457) with a code that a program can act on. Access tokens travel as bearer
// tokens (RFC 6750); a refresh token is good once.
package native

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/web"
)

// API serves one mount.
type API struct {
	accounts *account.Service
	policy   *account.Policy
	log      *slog.Logger
}

// New makes the API of a mount that follows policy.
func New(accounts *account.Service, policy *account.Policy, log *slog.Logger) *API {
	return &API{accounts, policy, log}
}

// Routes is the route table.
func (a *API) Routes() []web.Route {
	text := func(name string, kind web.Kind, required bool) web.Field {
		col, _ := a.accounts.Model().Column(account.Field(name))
		return web.Field{Name: name, Kind: kind, Required: required, Max: col.Max}
	}
	password := text("password", web.Secret, true)
	profile := []web.Field{
		text("username", web.Text, false), text("first_name", web.Text, false), text("last_name", web.Text, false),
		text("name", web.Text, false), text("language", web.Text, false),
	}
	if a.phone() {
		profile = append(profile, text("phone", web.Text, false))
	}
	signUp := slices.Concat([]web.Field{text("email", web.Email, true), password}, profile, declared(a.accounts.Model(), true))
	profile = append(profile, declared(a.accounts.Model(), false)...)
	refresh := []web.Field{text("refresh_token", web.Secret, true)}
	user := a.read()
	tokens := []web.Field{
		{Name: "user", Fields: user, Required: true},
		text("access_token", web.Text, true), text("token_type", web.Text, true),
		{Name: "expires_in", Kind: web.Integer, Required: true, Help: "Seconds."},
		text("refresh_token", web.Text, true),
	}
	register := web.Route{
		Op: "sign-up", Method: "POST", Path: "sign-up", Access: web.Anyone, Anonymous: true, Handler: a.signUp,
		Doc: "Register, and sign in.", Input: signUp, Output: tokens, Status: http.StatusCreated,
	}
	if a.policy.PrivateSignUp {
		register.Handler, register.Output, register.Status = a.signUpPrivately, nil, http.StatusAccepted
		register.Doc = "Register. What came of it is said by mail."
	}
	routes := []web.Route{
		register,
		{
			Op: "activate", Method: "POST", Path: "activate", Access: web.Anyone, Anonymous: true, Fresh: true, Handler: a.activate,
			Doc:   "Activate an account by the link of its mail.",
			Input: []web.Field{text("uid", web.Text, true), text("token", web.Secret, true)}, Status: http.StatusNoContent,
		},
		{
			Op: "sign-in", Method: "POST", Path: "sign-in", Access: web.Anyone, Anonymous: true, Handler: a.signIn,
			Doc:   "Sign in by e-mail address or user name, whichever people sign in with here.",
			Input: []web.Field{text("email", web.Email, false), text("username", web.Text, false), password}, Output: tokens, Status: http.StatusOK,
		},
		{
			Op: "refresh", Method: "POST", Path: "refresh", Access: web.Anyone, Anonymous: true, Fresh: true, Handler: a.refresh,
			Doc: "Exchange a refresh token, which is good once, for a new pair.", Input: refresh, Output: tokens, Status: http.StatusOK,
		},
		{
			Op: "users", Method: "GET", Path: "users", Access: web.Staff, Fresh: true, Handler: a.users,
			Doc: "List and find users, in pages.", Query: search, Output: a.found(), Status: http.StatusOK,
		},
		{
			Op: "sign-out", Method: "POST", Path: "sign-out", Access: web.SignedIn, Fresh: true, Handler: a.signOut,
			Doc: "End the session of this token.", Status: http.StatusNoContent,
		},
		{
			Op: "sign-out-everywhere", Method: "POST", Path: "sign-out/everywhere", Access: web.SignedIn, Fresh: true, Handler: a.signOutEverywhere,
			Doc: "End all sessions of the user.", Status: http.StatusNoContent,
			Query: []web.Field{{Name: "wait", Help: "With the value all the answer waits until every node knows; 202 when one did not say so within 2 seconds."}},
		},
	}
	return slices.Concat(routes, a.mine(user, profile, password), a.rights())
}

// mine are the routes of the user who is signed in, about himself. He has the members user, and may change those of profile.
func (a *API) mine(user, profile []web.Field, password web.Field) []web.Route {
	current, next := password, password
	current.Name, next.Name = "current_password", "new_password"
	return []web.Route{
		{
			Op: "me", Method: "GET", Path: "me", Access: web.SignedIn, Handler: a.me,
			Doc: "The user who is signed in.", Output: user, Status: http.StatusOK,
		},
		{
			Op: "me-update", Method: "PATCH", Path: "me", Access: web.SignedIn, Fresh: true, Handler: a.update,
			Doc: "Change the user who is signed in.", Input: profile, Output: user, Status: http.StatusOK,
		},
		{
			Op: "me-delete", Method: "DELETE", Path: "me", Access: web.SignedIn, Fresh: true, Handler: a.delete,
			Doc: "Delete the user who is signed in.", Input: []web.Field{password}, Status: http.StatusNoContent,
		},
		{
			Op: "me-export", Method: "GET", Path: "me/export", Access: web.SignedIn, Fresh: true, Handler: a.export,
			Doc: "All that is kept of the user who is signed in.", Output: a.exported(), Status: http.StatusOK,
		},
		{
			Op: "password-change", Method: "POST", Path: "me/password", Access: web.SignedIn, Fresh: true, Handler: a.changePassword,
			Doc:   "Change the password. All other sessions end.",
			Input: []web.Field{current, next}, Status: http.StatusNoContent,
		},
	}
}

// own is what a user may do with his own fields.
func own(u *account.User) account.Access { return (&account.Principal{User: *u}).Access(u.ID) }

// grant answers with tokens (RFC 6749 §5.1 names them), whose letters JSON takes as they are, and the user they are of.
func (a *API) grant(w http.ResponseWriter, status int, g *account.Grant) error {
	seconds := int64(g.Expires.Sub(a.accounts.Now()).Round(time.Second) / time.Second)
	b := append(make([]byte, 0, 1024), `{"user":`...)
	b = a.appendWhole(b, &g.User, own(&g.User))
	b = append(append(b, `,"access_token":"`...), g.Access...)
	b = strconv.AppendInt(append(b, `","token_type":"Bearer","expires_in":`...), seconds, 10)
	b = append(append(b, `,"refresh_token":"`...), g.Refresh...)
	send(w, status, jsonType, append(b, `"}`...))
	return nil
}

func (a *API) signUp(w http.ResponseWriter, r *web.Request) error {
	in, err := a.readUser(r)
	if err != nil {
		return err
	}
	g, err := a.accounts.Register(r.Asking(), a.policy, in.newUser())
	if err != nil {
		return err
	}
	return a.grant(w, http.StatusCreated, &g)
}

// signUpPrivately answers where it is kept private who has an account: what follows comes by mail.
func (a *API) signUpPrivately(w http.ResponseWriter, r *web.Request) error {
	in, err := a.readUser(r)
	if err != nil {
		return err
	}
	u, err := a.accounts.SignUp(r.Asking(), a.policy, in.newUser())
	if err != nil {
		return err
	}
	return reply(w, http.StatusAccepted, map[string]string{"email": u.Email})
}

// activate follows the link that a registration was mailed.
func (a *API) activate(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	return done(w, a.accounts.Activate(r.Asking(), a.policy, account.Link{UID: in["uid"], Token: in["token"]}))
}

func (a *API) signIn(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	login, ok := in[string(a.policy.Login)]
	if !ok {
		return missing(string(a.policy.Login))
	}
	g, err := a.accounts.SignIn(r.Context(), a.policy, account.Credentials{Login: login, Password: in["password"]})
	if err != nil {
		return err
	}
	return a.grant(w, http.StatusOK, &g)
}

func (a *API) refresh(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	g, err := a.accounts.Refresh(r.Context(), a.policy, in["refresh_token"])
	if err != nil {
		return err
	}
	return a.grant(w, http.StatusOK, &g)
}

func (a *API) me(w http.ResponseWriter, r *web.Request) error {
	u := &r.Who.User
	b := web.Lend()
	defer b.GiveBack()
	b.Bytes = a.appendWhole(b.Bytes, u, r.Who.Access(u.ID))
	send(w, http.StatusOK, jsonType, b.Bytes)
	return nil
}

func (a *API) update(w http.ResponseWriter, r *web.Request) error {
	in, err := a.readUser(r)
	if err != nil {
		return err
	}
	c := account.Changes{Texts: map[account.Field]string{}, Extra: in.extra, Profiles: in.profiles}
	for name, text := range in.texts {
		c.Texts[account.Field(name)] = text
	}
	by := own(&r.Who.User)
	u, err := a.accounts.Edit(r.Context(), by, r.Who.User, c)
	if err != nil {
		return err
	}
	send(w, http.StatusOK, jsonType, a.appendWhole(nil, &u, by))
	return nil
}

func (a *API) delete(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	return done(w, a.accounts.Delete(r.Context(), r.Who, in["password"]))
}

func (a *API) changePassword(w http.ResponseWriter, r *web.Request) error {
	in, err := decode(r)
	if err != nil {
		return err
	}
	return done(w, a.accounts.ChangePassword(r.Context(), a.policy, r.Who, in["current_password"], in["new_password"]))
}

func (a *API) signOut(w http.ResponseWriter, r *web.Request) error {
	return done(w, a.accounts.SignOut(r.Context(), a.policy, r.Who))
}

// signOutEverywhere answers with ?wait=all once every node knows of it: 204. After two seconds in
// which one did not say so, 202: what was asked is done, and that node is bound to know soon.
func (a *API) signOutEverywhere(w http.ResponseWriter, r *web.Request) error {
	if r.URL.Query().Get("wait") != "all" {
		return done(w, a.accounts.SignOutEverywhere(r.Context(), r.Who.User.ID))
	}
	told, err := a.accounts.SignOutOfAllNodes(r.Context(), r.Who.User.ID)
	if err != nil || told {
		return done(w, err)
	}
	return reply(w, http.StatusAccepted, struct{}{})
}

// Authenticate implements web.Authenticator: a bearer token in the Authorization header.
func (a *API) Authenticate(r *http.Request, fresh bool) (*account.Principal, error) {
	scheme, credentials, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, nil
	}
	if fresh {
		return a.accounts.Authenticate(r.Context(), a.policy, strings.TrimSpace(credentials))
	}
	return a.accounts.Recognize(r.Context(), a.policy, strings.TrimSpace(credentials))
}

// Challenge implements web.Authenticator (RFC 6750 §3).
func (a *API) Challenge() string { return `Bearer realm="doorward"` }

func reply(w http.ResponseWriter, status int, v any) error {
	body, err := json.Marshal(v)
	if err != nil {
		return err
	}
	send(w, status, jsonType, body)
	return nil
}

func done(w http.ResponseWriter, err error) error {
	if err != nil {
		return err
	}
	w.Header()["Cache-Control"] = noStore
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// Values of headers that never change, shared by all answers.
var (
	jsonType    = []string{"application/json"}
	problemType = []string{"application/problem+json"}
	keysType    = []string{"application/jwk-set+json"}
	noStore     = []string{"no-store"}
)

// counted is from how many bytes on a body's length has to be said: net/http keeps shorter ones back
// until the handler is done, and counts them itself.
const counted = 2048

func send(w http.ResponseWriter, status int, kind []string, body []byte) {
	h := w.Header()
	h["Content-Type"] = kind
	h["Cache-Control"] = noStore
	if len(body) >= counted {
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	_, _ = w.Write(body) // a client that is gone gets no answer
}

// JWKS serves the public keys that access tokens are verified with (RFC 7517 §5).
func JWKS(accounts *account.Service) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			refuse(w, &problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed"})
			return
		}
		body := accounts.JWKS()
		send(w, http.StatusOK, keysType, body)
	})
}

// Claims are the claims of an access token. It says its session and its epoch openly.
func Claims() []account.Claim {
	return []account.Claim{
		{Name: "user_id", Source: account.FromUserID},
		{Name: "sid", Source: account.FromSession},
		{Name: "ep", Source: account.FromEpoch},
		{Name: "iat", Source: account.FromIssued},
		{Name: "iat_ms", Source: account.FromIssuedMilli},
		{Name: "exp", Source: account.FromExpiry},
		{Name: "jti", Source: account.FromTokenID},
	}
}
