package django

import (
	"doorward/internal/account"
	"doorward/internal/token"
)

// readUserAPI takes the settings of the tutorial's users, with drf-jwt and django-rest-auth beside them.
func (c *Condition) readUserAPI(s *object) {
	s.take("SECRET_KEY", &c.SecretKey)
	c.Policy = account.Policy{Mount: c.Preset, Login: account.Email, Rules: readValidators(s), AnyPassword: true, EmailAsSent: true, KeepTokens: true}
	c.Policy.Changes.StaffOverAll = true
	c.readREST(s)
	c.readRestAuth(s)
	jwt := s.sub("JWT_AUTH")
	c.readTokens(&jwt)
	s.done()
}

// readJWTKeys takes the algorithm of drf-jwt and its keys. Without keys of its own SECRET_KEY signs.
func (c *Condition) readJWTKeys(jwt *object) {
	name := "HS256"
	jwt.take("JWT_ALGORITHM", &name)
	texts := map[string]string{"JWT_SECRET_KEY": "", "JWT_PRIVATE_KEY": "", "JWT_PUBLIC_KEY": ""}
	for key := range texts {
		var text string
		if !jwt.none(key) && jwt.take(key, &text) {
			texts[key] = text
		}
	}
	alg, ok := token.ParseAlg(name)
	if perUser := c.Policy.Tokens.Signing == account.PerUser; !ok || perUser && alg != token.HS256 {
		jwt.faultOf("JWT_ALGORITHM", "is not known: "+name)
		return
	}
	signing, verifying := texts["JWT_SECRET_KEY"], ""
	if alg > token.HS512 {
		signing, verifying = texts["JWT_PRIVATE_KEY"], texts["JWT_PUBLIC_KEY"]
	} else if signing == c.SecretKey {
		signing = "" // drf-jwt's default names it
	}
	c.SimpleJWT.Alg = alg
	var err error
	if c.Policy.Tokens.Keys, err = Keys(alg, signing, verifying); err != nil {
		jwt.faultOf("JWT_PRIVATE_KEY", "or JWT_PUBLIC_KEY is unusable for "+name)
	}
}

// readJWTChecks takes what drf-jwt demands of a token, and the cookie that may bring it.
func (c *Condition) readJWTChecks(jwt *object) {
	v := &c.Policy.Tokens.Validity
	v.Leeway = jwt.seconds("JWT_LEEWAY", 0)
	if !jwt.none("JWT_AUDIENCE") {
		v.Audience = jwt.texts("JWT_AUDIENCE")
	}
	if !jwt.none("JWT_ISSUER") {
		jwt.take("JWT_ISSUER", &v.Issuer)
	}
	verify, expires := true, true
	if jwt.take("JWT_VERIFY", &verify); !verify {
		jwt.faultOf("JWT_VERIFY", "must be true: without it everybody is whom he says")
	}
	jwt.take("JWT_VERIFY_EXPIRATION", &expires)
	v.IgnoreExp = !expires
	if !jwt.none("JWT_AUTH_COOKIE") {
		jwt.take("JWT_AUTH_COOKIE", &c.TokenCookie)
	}
}
