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
		return web.Field{Name: name, Kind: kind, Required: required}
	}
	password := text("password", web.Secret, true)
	profile := []web.Field{
		text("username", web.Text, false), text("first_name", web.Text, false), text("last_name", web.Text, false),
		text("name", web.Text, false), text("phone", web.Text, false),
	}
	signUp := slices.Concat([]web.Field{text("email", web.Email, true), password}, profile, declared(a.accounts.Model(), true))
	profile = append(profile, declared(a.accounts.Model(), false)...)
	refresh := []web.Field{text("refresh_token", web.Secret, true)}
	return []web.Route{
		{
			Op: "sign-up", Method: "POST", Path: "sign-up", Access: web.Anyone, Anonymous: true, Handler: a.signUp,
			Input: signUp,
		},
		{
			Op: "sign-in", Method: "POST", Path: "sign-in", Access: web.Anyone, Anonymous: true, Handler: a.signIn,
			Input: []web.Field{text("email", web.Email, false), text("username", web.Text, false), password},
		},
		{Op: "refresh", Method: "POST", Path: "refresh", Access: web.Anyone, Anonymous: true, Fresh: true, Handler: a.refresh, Input: refresh},
		{Op: "me", Method: "GET", Path: "me", Access: web.SignedIn, Handler: a.me},
		{Op: "me-update", Method: "PATCH", Path: "me", Access: web.SignedIn, Fresh: true, Handler: a.update, Input: profile},
		{Op: "me-delete", Method: "DELETE", Path: "me", Access: web.SignedIn, Fresh: true, Handler: a.delete, Input: []web.Field{password}},
		{
			Op: "password-change", Method: "POST", Path: "me/password", Access: web.SignedIn, Fresh: true, Handler: a.changePassword,
			Input: []web.Field{text("current_password", web.Secret, true), text("new_password", web.Secret, true)},
		},
		{Op: "sign-out", Method: "POST", Path: "sign-out", Access: web.SignedIn, Fresh: true, Handler: a.signOut},
		{Op: "sign-out-everywhere", Method: "POST", Path: "sign-out/everywhere", Access: web.SignedIn, Fresh: true, Handler: a.signOutEverywhere},
	}
}

// own is what a user may do with his own fields.
func own(u *account.User) account.Access { return (&account.Principal{User: *u}).Access(u.ID) }

// grant is an answer with tokens (RFC 6749 §5.1 names them), and the user they are of.
type grant struct {
	User         json.RawMessage `json:"user"`
	AccessToken  string          `json:"access_token"`
	TokenType    string          `json:"token_type"`
	ExpiresIn    int64           `json:"expires_in"` // seconds
	RefreshToken string          `json:"refresh_token"`
}

func (a *API) grant(w http.ResponseWriter, status int, g *account.Grant) error {
	return reply(w, status, grant{
		User: a.appendWhole(nil, &g.User, own(&g.User)), AccessToken: g.Access, TokenType: "Bearer",
		ExpiresIn: int64(g.Expires.Sub(a.accounts.Now()).Round(time.Second) / time.Second), RefreshToken: g.Refresh,
	})
}

func (a *API) signUp(w http.ResponseWriter, r *web.Request) error {
	in, err := a.readUser(r)
	if err != nil {
		return err
	}
	g, err := a.accounts.Register(r.Context(), a.policy, account.NewUser{
		Email: in.texts["email"], Username: in.texts["username"], FirstName: in.texts["first_name"], LastName: in.texts["last_name"],
		Name: in.texts["name"], Phone: in.texts["phone"], Password: in.texts["password"], Extra: in.extra, Profiles: in.profiles,
	})
	if err != nil {
		return err
	}
	return a.grant(w, http.StatusCreated, &g)
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
	send(w, http.StatusOK, jsonType, a.appendWhole(make([]byte, 0, 384+64*len(a.accounts.Model().Extras)), u, own(u)))
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
