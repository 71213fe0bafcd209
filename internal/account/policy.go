package account

import (
	"time"

	"doorward/internal/password"
	"doorward/internal/token"
)

// Policy is what may differ between mounts. It travels with each call; the service never asks
// which mount is calling.
type Policy struct {
	Mount string // names the mount, in its sessions too unless it shares them
	Login Field  // what people sign in with here: Email or Username
	// FoldLogin finds an address in any spelling, where the table tells them apart by the folded text.
	FoldLogin bool
	Rules     password.Rules
	// StrangersRules lets the password of who signs up resemble his name and address. Recorded of Django
	// views that do not tell the rules whose it is, and never on outside a replay of them.
	StrangersRules bool
	// StampLogin writes last_login when a token is issued.
	StampLogin bool
	// EmailAsSent keeps the spelling of an address at sign-up, domain and all.
	EmailAsSent bool
	// AnyPassword runs no rules at sign-up. Recorded of Django settings, and never on outside a replay of them.
	AnyPassword bool
	// KeepTokens lets everything live on when somebody changes his password. Recorded of Django
	// settings and never on outside a replay of them.
	KeepTokens bool
	// PrivateSignUp keeps it from who signs up whether his address has an account: he is answered alike and mailed
	// a link, or the owner is told. It goes with Mail.Activation.
	PrivateSignUp bool
	Tokens        Tokens
	Mail          MailPolicy
	Links         LinkPolicy
	Changes       ChangePolicy
	Entry         EntryPolicy
	Emails        EmailPolicy
}

// MailPolicy says which mails a mount sends, from whom, and where their links lead.
type MailPolicy struct {
	From string // RFC 5322, with a name or without; "": the server's own
	// Protocol, Domain and SiteName are those of the front end: a link is Protocol://Domain/shape.
	// "": those of the server's public address.
	Protocol, Domain, SiteName string
	// The shapes of links, "activate/{uid}/{token}". Without a shape a mail has no link.
	ActivationURL, PasswordResetURL, LoginResetURL string
	// VerifyURL has a {key}, "account-confirm-email/{key}/".
	VerifyURL string
	// Which mails are sent; those that reset something are sent whenever somebody asks.
	Activation, Confirmation, PasswordChanged, LoginChanged bool
	// AddressChanged tells the old address when a user has another one. Django does not.
	AddressChanged bool
	// UseOrigin takes protocol and domain of the request where they are not set, as Django does
	// without its sites. Never outside development: whoever asks can write any Host header.
	UseOrigin bool
}

// Signing is who can make a mount's tokens.
type Signing uint8

// The ways of signing.
const (
	PerUser   Signing = iota // HS256 with the user's own key
	Shared                   // HS256 with the secret key that Django has too
	Published                // a key pair; others verify with the public half
)

// Source is what a claim says.
type Source uint8

// The sources of claims.
const (
	FromUserID Source = iota
	FromLogin         // the text the user signs in with
	FromEmail
	FromExpiry
	FromIssued
	FromIssuedMilli // in milliseconds
	FromFirstIssued // when the chain of renewals began
	FromLevel       // the second factor; null without one
	FromSession
	FromEpoch
	FromTokenID // random, and known for ours before the signature is looked at; sealed where there is Typed
	FromKind
	FromRefreshExpiry  // until when a sliding token can be exchanged; other kinds lack it
	FromPasswordDigest // of the stored hash, as upper-case MD5
	FromField          // Claim.Field of the user
	FromSetting        // Claim.Value
	FromGroups         // the names of the user's groups; null where they are too many
	FromPermissions    // all that he may do; null where that is too much
)

// Claim is one member of a token's payload.
type Claim struct {
	Name   string
	Source Source
	Field  Field // of FromField
	Value  any   // of FromSetting: what token.Claim takes
	Extra  bool  // an operator's: left out where it would make the token too long
}

// Tokens says how a mount makes and reads its tokens.
type Tokens struct {
	Signing Signing
	Claims  []Claim // in the order they are written
	// RightsRoom is how many bytes of JSON FromGroups and FromPermissions may fill together.
	RightsRoom int
	Access     time.Duration
	// Renewable lets an access token be exchanged for the next one, until Refresh after the sign-in.
	Renewable bool
	// Rotating gives a refresh token beside the access token, a new one at each use.
	Rotating bool
	// Refresh is how long after the sign-in renewal ends, or a rotating session dies.
	Refresh time.Duration
	// Idle ends a rotating session that nobody refreshed for so long.
	Idle time.Duration
	// Grace is how long the refresh token before the last answers with the same successor.
	Grace time.Duration
	// Foreign accepts well signed tokens that no session of ours made, those without end too:
	// another program has the key by right.
	Foreign bool
	// ForeignFirst names the claim that says when a chain of renewals began, where foreign tokens with it are
	// renewed though the mount's own tokens are not. Recorded of drf-jwt, and for a replay of it.
	ForeignFirst string
	// TrustName takes the user whom a token names for its owner even when its user id is
	// another's. Recorded of one Django set-up and never on outside a replay of it:
	// an address that changed hands would open its new owner's account.
	TrustName bool
	// Keys sign (the first) and verify (all); nil: those of Signing.
	Keys []*token.Key
	// Validity is what a token's times and parties must be, but for what follows from the fields above.
	Validity token.Validity
	// Typed tells kinds of tokens apart; nil: a mount has one kind.
	Typed *Typed
}

// claim is the name of the claim that says src; "" when the tokens have none.
func (t *Tokens) claim(src Source) string {
	for _, c := range t.Claims {
		if c.Source == src {
			return c.Name
		}
	}
	return ""
}
