package django

import (
	"encoding/json"
	"fmt"
	"net/textproto"
	"slices"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/token"
)

// SimpleJWT is what a mount of SimpleJWT has beside its policy: the names of headers and claims.
type SimpleJWT struct {
	Types  []string // before the token in the header; the first one is the challenge's
	Header string

	// The names of claims; Revoke is "" where tokens do not tell their password.
	Kind, ID, Owner, RefreshExpiry, Revoke string
	// Audience is what aud says, a text or a list; nil: there is none.
	Audience any
	Extra    []account.Claim
	// Alg signs with the secret key, where the policy has no keys of its own.
	Alg token.Alg
}

// DefaultSimpleJWT is SimpleJWT without settings.
func DefaultSimpleJWT() SimpleJWT {
	return SimpleJWT{
		Types: []string{"Bearer"}, Header: "Authorization", Alg: token.HS256,
		Kind: "token_type", ID: "jti", Owner: "user_id", RefreshExpiry: "refresh_exp",
	}
}

const day = 24 * time.Hour

// noEffect are settings that change nothing that a client sees here, or nothing in SimpleJWT
// either: those of drf-jwt do not belong there, and many have them.
var noEffect = []string{
	"JSON_ENCODER", "ON_LOGIN_SUCCESS", "ON_LOGIN_FAILED", "TOKEN_USER_CLASS",
	"JWT_ALLOW_REFRESH", "JWT_EXPIRATION_DELTA", "JWT_REFRESH_EXPIRATION_DELTA", "JWT_AUTH_HEADER_PREFIX",
}

// parts are settings that name Python code: only SimpleJWT's own has a counterpart.
var parts = []string{
	"USER_AUTHENTICATION_RULE", "TOKEN_OBTAIN_SERIALIZER", "TOKEN_REFRESH_SERIALIZER", "TOKEN_VERIFY_SERIALIZER",
	"TOKEN_BLACKLIST_SERIALIZER", "TOKEN_OBTAIN_SLIDING_SERIALIZER", "TOKEN_REFRESH_SLIDING_SERIALIZER",
}

// readSimpleMount takes the settings of a server that has SimpleJWT alone.
func (c *Condition) readSimpleMount(s *object) {
	s.take("SECRET_KEY", &c.SecretKey)
	c.Policy = account.Policy{Mount: c.Preset, Rules: readValidators(s)}
	rest := s.sub("REST_FRAMEWORK")
	rest.only("DEFAULT_AUTHENTICATION_CLASSES", "rest_framework_simplejwt.authentication.JWTAuthentication")
	rest.only("DEFAULT_PERMISSION_CLASSES", "rest_framework.permissions.IsAuthenticated")
	rest.done()
	c.readSimpleJWT(s)
	s.done()
}

// readSimpleJWT takes SIMPLE_JWT, and whether the blacklist is installed, out of the settings, into
// the tokens of c's policy and c.SimpleJWT. SECRET_KEY and the user model were read before it.
func (c *Condition) readSimpleJWT(settings *object) {
	var blacklist bool
	settings.take("token_blacklist", &blacklist)
	o := settings.sub("SIMPLE_JWT")
	c.Claims, c.SimpleJWT = "simplejwt", DefaultSimpleJWT()
	p, t := &c.Policy, &c.Policy.Tokens
	if c.Model != nil {
		p.Login = c.Model.Login
	}
	o.take("UPDATE_LAST_LOGIN", &p.StampLogin)
	// A new password ends no token in Django (recorded), nor does anything else end an access token.
	p.KeepTokens = true
	*t = account.Tokens{
		Signing: account.Shared, Foreign: true,
		Access:  o.seconds("ACCESS_TOKEN_LIFETIME", 5*time.Minute),
		Refresh: o.seconds("REFRESH_TOKEN_LIFETIME", day),
		Typed: &account.Typed{
			Issue: account.KindAccess, Outlive: true, Blind: true, NoBlacklist: !blacklist,
			Sliding:        o.seconds("SLIDING_TOKEN_LIFETIME", 5*time.Minute),
			SlidingRefresh: o.seconds("SLIDING_TOKEN_REFRESH_LIFETIME", day),
		},
	}
	c.readRotation(&o)
	c.readHeader(&o)
	c.readOwner(&o)
	c.readClaimNames(&o)
	c.readParties(&o)
	c.readKeys(&o)
	for _, key := range noEffect {
		delete(o.members, key)
	}
	for _, key := range parts {
		var name string
		if !o.none(key) && o.take(key, &name) && !strings.HasPrefix(name, "rest_framework_simplejwt.") {
			o.faultOf(key, "names code that is not SimpleJWT's own: "+name)
		}
	}
	active := true
	if o.take("CHECK_USER_IS_ACTIVE", &active); !active {
		o.faultOf("CHECK_USER_IS_ACTIVE", "must be true: a disabled user is never let in")
	}
	o.done()
}

func (c *Condition) readRotation(o *object) {
	var rotate, blacklist bool
	o.take("ROTATE_REFRESH_TOKENS", &rotate)
	o.take("BLACKLIST_AFTER_ROTATION", &blacklist)
	switch d := c.Policy.Tokens.Typed; {
	case rotate && blacklist: // without the app SimpleJWT silently does nothing; this is what was meant
		d.Rotation = account.SpendOnce
	case rotate:
		d.Rotation = account.KeepRotated
	}
}

func (c *Condition) readHeader(o *object) {
	if types := o.texts("AUTH_HEADER_TYPES"); types != nil {
		c.SimpleJWT.Types = types
		for _, t := range types {
			if t == "" || strings.ContainsAny(t, " \t\r\n\x00\"") {
				o.faultOf("AUTH_HEADER_TYPES", "has a type that no header can have")
			}
		}
	}
	var name string
	if o.take("AUTH_HEADER_NAME", &name) { // as WSGI has it
		header, ok := strings.CutPrefix(name, "HTTP_")
		if !ok || header == "" {
			o.faultOf("AUTH_HEADER_NAME", "is no header")
			header = "AUTHORIZATION"
		}
		c.SimpleJWT.Header = textproto.CanonicalMIMEHeaderKey(strings.ReplaceAll(header, "_", "-"))
	}
	c.Policy.Tokens.Typed.Accept = []account.Kind{account.KindAccess}
	classes := o.texts("AUTH_TOKEN_CLASSES")
	if classes == nil {
		return
	}
	c.Policy.Tokens.Typed.Accept = nil
	for _, class := range classes {
		kind, ok := map[string]account.Kind{
			"rest_framework_simplejwt.tokens.AccessToken":  account.KindAccess,
			"rest_framework_simplejwt.tokens.SlidingToken": account.KindSliding,
		}[class]
		if !ok || slices.Contains(c.Policy.Tokens.Typed.Accept, kind) {
			o.faultOf("AUTH_TOKEN_CLASSES", "has a class that is not known, or twice: "+class)
			continue
		}
		c.Policy.Tokens.Typed.Accept = append(c.Policy.Tokens.Typed.Accept, kind)
	}
}

func (c *Condition) readOwner(o *object) {
	var field string
	if !o.take("USER_ID_FIELD", &field) || field == "id" || field == "pk" {
		return
	}
	f := account.Field(field)
	if c.Model == nil {
		return
	}
	column, ok := c.Model.Column(f)
	if f != account.Username && f != account.Email || !ok || !column.Unique {
		o.faultOf("USER_ID_FIELD", fmt.Sprintf("is %q, which does not tell users apart here", field))
		return
	}
	c.Policy.Tokens.Typed.Owner = f
}

// readClaimNames takes the names of claims, which must differ.
func (c *Condition) readClaimNames(o *object) {
	j := &c.SimpleJWT
	o.take("USER_ID_CLAIM", &j.Owner)
	o.take("TOKEN_TYPE_CLAIM", &j.Kind)
	o.take("JTI_CLAIM", &j.ID)
	o.take("SLIDING_TOKEN_REFRESH_EXP_CLAIM", &j.RefreshExpiry)
	var check bool
	revoke := "hash_password"
	o.take("REVOKE_TOKEN_CLAIM", &revoke)
	if o.take("CHECK_REVOKE_TOKEN", &check); check {
		j.Revoke = revoke
	}
	seen := map[string]bool{"exp": true, "iat": true, "nbf": true, "aud": true, "iss": true}
	for _, name := range []string{j.Owner, j.Kind, j.ID, j.RefreshExpiry, revoke} {
		if name == "" || len(name) > 64 || seen[name] {
			o.fault("has a claim that has no name, or another's: %q", name)
		}
		seen[name] = true
	}
}

func (c *Condition) readParties(o *object) {
	v := &c.Policy.Tokens.Validity
	v.Leeway = o.seconds("LEEWAY", 0)
	if !o.none("ISSUER") {
		o.take("ISSUER", &v.Issuer)
	}
	if o.none("AUDIENCE") {
		return
	}
	single := strings.HasPrefix(string(o.members["AUDIENCE"]), `"`)
	v.Audience = o.texts("AUDIENCE")
	if single && len(v.Audience) == 1 {
		c.SimpleJWT.Audience = v.Audience[0]
	} else {
		c.SimpleJWT.Audience = v.Audience
	}
}

// readKeys takes the algorithm and its keys. Without SIGNING_KEY the secret key signs.
func (c *Condition) readKeys(o *object) {
	name, signing, verifying := "HS256", "", ""
	o.take("ALGORITHM", &name)
	if !o.none("SIGNING_KEY") {
		o.take("SIGNING_KEY", &signing)
	}
	if !o.none("VERIFYING_KEY") {
		o.take("VERIFYING_KEY", &verifying)
	}
	if !o.none("JWK_URL") {
		delete(o.members, "JWK_URL")
		o.faultOf("JWK_URL", "is not supported: keys of others are given as VERIFYING_KEY")
	}
	alg, ok := token.ParseAlg(name)
	if !ok {
		o.faultOf("ALGORITHM", "is not known: "+name)
		return
	}
	c.SimpleJWT.Alg = alg
	keys, err := Keys(alg, signing, verifying)
	if err != nil {
		o.faultOf("SIGNING_KEY", "or VERIFYING_KEY is unusable for "+name)
	}
	c.Policy.Tokens.Keys = keys
}

// Keys makes the keys of a mount: the first one signs. None are made of no texts where a secret
// signs. Errors show nothing of the texts.
func Keys(alg token.Alg, signing, verifying string) (keys []*token.Key, err error) {
	if alg <= token.HS512 {
		if signing != "" {
			keys = []*token.Key{token.HMACKey(alg, "", []byte(signing))}
		}
		return keys, nil
	}
	for _, text := range []string{signing, verifying} {
		if text == "" && len(keys) > 0 { // the public half is in the private one
			continue
		}
		key, err := token.ParsePEM(alg, "", []byte(strings.TrimSpace(text)))
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	if !keys[0].CanSign() {
		return nil, token.ErrKey
	}
	return keys, nil
}

// only takes a list that must not have anything else.
func (o *object) only(key, want string) {
	for _, name := range o.texts(key) {
		if name != want {
			o.faultOf(key, "has a class that is not known: "+name)
		}
	}
}

// texts takes a text or a list of texts. Empty lists are refused.
func (o *object) texts(key string) []string {
	raw, ok := o.members[key]
	if !ok {
		return nil
	}
	delete(o.members, key)
	var one string
	if string(raw) != "null" && json.Unmarshal(raw, &one) == nil {
		return []string{one}
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 || slices.Contains(many, "") {
		o.faultOf(key, "has a value of the wrong type")
		return nil
	}
	return many
}
