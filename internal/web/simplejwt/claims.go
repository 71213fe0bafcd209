package simplejwt

import "doorward/internal/account"

// Names are the names of claims, and what the ones say that are the same in all tokens.
type Names struct {
	Kind, ID, Owner, RefreshExpiry string
	Revoke                         string // "": tokens do not tell their password
	Audience                       any    // a text or a list; nil: none
	Issuer                         string
	Extra                          []account.Claim
}

// Claims are the claims of SimpleJWT's tokens, in its order.
func Claims(n Names) []account.Claim {
	claims := []account.Claim{
		{Name: n.Kind, Source: account.FromKind},
		{Name: "exp", Source: account.FromExpiry},
		{Name: "iat", Source: account.FromIssued},
		{Name: n.ID, Source: account.FromTokenID},
		{Name: n.RefreshExpiry, Source: account.FromRefreshExpiry},
		{Name: n.Owner, Source: account.FromUserID},
	}
	if n.Revoke != "" {
		claims = append(claims, account.Claim{Name: n.Revoke, Source: account.FromPasswordDigest})
	}
	claims = append(claims, n.Extra...)
	if n.Audience != nil {
		claims = append(claims, account.Claim{Name: "aud", Source: account.FromSetting, Value: n.Audience})
	}
	if n.Issuer != "" {
		claims = append(claims, account.Claim{Name: "iss", Source: account.FromSetting, Value: n.Issuer})
	}
	return claims
}
