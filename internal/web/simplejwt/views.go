package simplejwt

import (
	"cmp"
	"net/http"
	"strings"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Views are the token views of SimpleJWT.
type Views struct {
	accounts *account.Service
	policy   *account.Policy
	sliding  *account.Policy // the same, but for what a sign-in gives
	options  Options
	words    map[account.Code]word
	header   http.Header // of a 401, whoever else authenticates in this mount
}

// New makes the views of a mount that follows policy.
func New(accounts *account.Service, policy *account.Policy, o Options) *Views {
	sliding := *policy
	typed := *policy.Tokens.Typed
	typed.Issue = account.KindSliding
	sliding.Tokens.Typed = &typed
	words := wordsFor(o.Modern)
	words[account.InvalidCredentials] = word{text: "No active account found with the given credentials"}
	for _, c := range []account.Code{account.TokenNamed, account.UserDisabled, account.TokenUnowned} {
		words[c] = word{text: "No active account found for the given token."}
	}
	return &Views{accounts, policy, &sliding, o, words, http.Header{"Www-Authenticate": {o.challenge()}}}
}

// Routes is the route table. All of them look at the body only, not at the header. A preset that
// has them elsewhere places them by Op.
func (v *Views) Routes() []web.Route {
	name := v.login()
	credentials := []web.Field{
		{Name: name, Label: strings.ToUpper(name[:1]) + name[1:], Required: true},
		{Name: "password", Label: "Password", Kind: web.Secret, Required: true},
	}
	refresh, one := web.Field{Name: "refresh", Label: "Refresh", Required: true}, web.Field{Name: "token", Label: "Token", Required: true}
	access := web.Field{Name: "access", Label: "Access", ReadOnly: true}
	rotated := refresh
	rotated.Required = false
	return []web.Route{
		gives(post("jwt-create", "token/", v.create, "Token Obtain Pair",
			"Takes a user's login name and password, and returns an access and a refresh token.", credentials...), refresh, access),
		v.refreshing(refresh, access, rotated),
		gives(fresh(post("jwt-verify", "token/verify/", v.verify, "Token Verify",
			"Says whether a token is good, whatever it is for.", one))),
		gives(fresh(post("jwt-blacklist", "token/blacklist/", v.blacklist, "Token Blacklist",
			"Takes a refresh token and ends its session.", refresh))),
		gives(post("jwt-sliding", "sliding/", v.obtainSliding, "Token Obtain Sliding",
			"Takes a user's login name and password, and returns a token that can be exchanged for the next one.", credentials...), one),
		gives(fresh(post("jwt-sliding-refresh", "sliding/refresh/", v.slide, "Token Refresh Sliding",
			"Takes a sliding token whose refresh period has not ended, and returns one that lives longer.", one)), one),
	}
}

func gives(r web.Route, members ...web.Field) web.Route {
	r.Status = http.StatusOK
	r.Output = append([]web.Field{}, members...)
	return r
}

// refreshing is the route of refresh tokens. dj-rest-auth's takes one from a cookie, and tells when tokens expire.
func (v *Views) refreshing(refresh, access, rotated web.Field) web.Route {
	r := fresh(post("jwt-refresh", "token/refresh/", v.refresh, "Token Refresh", "Takes a refresh token that is good, and returns an access token.", refresh, access))
	if v.options.Cookies == nil {
		return gives(r, access, rotated)
	}
	r.View, r.Input = "Refresh View With Cookie Support", []web.Field{rotated, access}
	return gives(r, access, web.Field{Name: "access_expiration", Kind: web.Moment, ReadOnly: true}, rotated,
		web.Field{Name: "refresh_expiration", Kind: web.Moment})
}

func post(op, path string, h web.Handler, view, doc string, input ...web.Field) web.Route {
	return web.Route{
		Op: op, Method: "POST", Path: path, Access: web.Anyone, Anonymous: true, Handler: h, View: view, Doc: doc, Input: input,
	}
}

func fresh(r web.Route) web.Route {
	r.Fresh = true
	return r
}

// explain turns a refusal into SimpleJWT's answer. What it has no word for is DRF's to explain.
func (v *Views) explain(err error) error {
	w, ok := find(v.words, err)
	if !ok {
		return err
	}
	f := unauthorized(w)
	if w.code == "" {
		f = drf.Detail(http.StatusUnauthorized, w.text)
	}
	f.Header = v.header
	return f
}

func (v *Views) login() string { return string(cmp.Or(v.options.Login, v.policy.Login)) }

func (v *Views) credentials(in drf.Values) account.Credentials {
	return account.Credentials{Login: in.Text(v.login()), Password: in.Text("password")}
}

func (v *Views) create(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	g, err := v.accounts.SignIn(r.Context(), v.policy, v.credentials(in))
	if err != nil {
		return v.explain(err)
	}
	return drf.JSON(w, http.StatusOK, drf.Object{{Name: "refresh", Value: g.Refresh}, {Name: "access", Value: g.Access}})
}

func (v *Views) refresh(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	raw, err := v.shown(r, in)
	if err != nil {
		return err
	}
	g, err := v.accounts.RefreshToken(r.Context(), v.policy, raw)
	if err != nil {
		return v.explain(err)
	}
	if v.options.Cookies != nil {
		return v.refreshed(w, r, &g)
	}
	o := drf.Object{{Name: "access", Value: g.Access}}
	if g.Refresh != "" {
		o = append(o, drf.Member{Name: "refresh", Value: g.Refresh})
	}
	return drf.JSON(w, http.StatusOK, o)
}

// shown is the refresh token that somebody brings: the body's, else that of his cookie.
func (v *Views) shown(r *web.Request, in drf.Values) (string, error) {
	c := v.options.Cookies
	if c == nil || in.Has("refresh") {
		return in.Text("refresh"), nil
	}
	raw, ok := c.Shown(r.Request)
	if !ok {
		f := unauthorized(word{"No valid refresh token found.", notValid})
		f.Header = v.header
		return "", f
	}
	if reason := c.Forgery(r.Request); reason != "" {
		return "", Refused(reason)
	}
	return raw, nil
}

// refreshed answers as dj-rest-auth's view does.
func (v *Views) refreshed(w http.ResponseWriter, r *web.Request, g *account.Grant) error {
	c := v.options.Cookies
	c.Give(w.Header(), r.Request, g)
	o := drf.Object{{Name: "access", Value: g.Access}}
	if g.Refresh != "" && !c.HTTPOnly {
		o = append(o, drf.Member{Name: "refresh", Value: g.Refresh})
	}
	o = append(o, drf.Member{Name: "access_expiration", Value: account.TimeValue(g.Expires)})
	if g.Refresh != "" && !c.HTTPOnly {
		o = append(o, drf.Member{Name: "refresh_expiration", Value: account.TimeValue(g.RefreshExpires)})
	}
	return drf.JSON(w, http.StatusOK, o)
}

// A blacklisted token is an error of the body here, not of the credentials.
var verifyWords = drf.Words{account.TokenEnded: {Text: "Token is blacklisted"}}

// disowned are the codes of tokens of nobody: verify has one answer for them and for bad ones.
var disowned = []account.Code{account.TokenNamed, account.UserDisabled, account.TokenUnowned}

func (v *Views) verify(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := v.accounts.VerifyToken(r.Context(), v.policy, in.Text("token")); err != nil {
		return v.explainVerify(err)
	}
	return drf.JSON(w, http.StatusOK, drf.Object{})
}

func (v *Views) explainVerify(err error) error {
	refusal := account.Refusal(err)
	if refusal != nil && refusal.Is(account.TokenEnded) {
		return verifyWords.Explain(err)
	}
	for _, c := range disowned {
		if refusal != nil && refusal.Is(c) {
			return v.explain(&account.Error{Problems: []account.Problem{{Code: account.TokenForged}}})
		}
	}
	return v.explain(err)
}

func (v *Views) blacklist(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := v.accounts.Blacklist(r.Context(), v.policy, in.Text("refresh")); err != nil {
		return v.explain(err)
	}
	return drf.JSON(w, http.StatusOK, drf.Object{})
}

func (v *Views) obtainSliding(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	g, err := v.accounts.SignIn(r.Context(), v.sliding, v.credentials(in))
	if err != nil {
		return v.explain(err)
	}
	return answer(w, g.Access)
}

func (v *Views) slide(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	text, err := v.accounts.SlideToken(r.Context(), v.sliding, in.Text("token"))
	if err != nil {
		return v.explain(err)
	}
	return answer(w, text)
}

func answer(w http.ResponseWriter, token string) error {
	return drf.JSON(w, http.StatusOK, drf.Object{{Name: "token", Value: token}})
}

// Sample is the view behind which the transcripts try their tokens: it tells who is asking by what he
// signs in with.
func Sample(login account.Field) []web.Route {
	get := web.Route{
		Op: "protected-endpoint", Method: "GET", Path: "protected-endpoint/", Access: web.SignedIn, NoHead: true,
		View: "Whoami", Doc: "Tells who is asking.", Handler: whoami(login),
		Output: []web.Field{{Name: "user", Required: true}, {Name: "id", Kind: web.Integer, Required: true}}, Status: http.StatusOK,
	}
	post := get
	post.Method = "POST"
	return []web.Route{get, post}
}

func whoami(login account.Field) web.Handler {
	return func(w http.ResponseWriter, r *web.Request) error {
		return drf.JSON(w, http.StatusOK, drf.Object{{Name: "user", Value: r.Who.User.LoginName(login)}, {Name: "id", Value: r.Who.User.ID}})
	}
}
