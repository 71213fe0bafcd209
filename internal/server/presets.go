package server

import (
	"log/slog"
	"maps"
	"slices"
	"time"

	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/password"
	"doorward/internal/web"
)

// place puts a route of a dialect at a path, under a name, with the title that its view has there.
type place struct {
	op    string
	name  string // "": op
	path  string // "": the dialect's own
	title string // "": the dialect's own
}

// preset is a mount by name: which routes stand where, and what its policy is unless the
// configuration says otherwise.
type preset struct {
	prefix string
	places []place // nil: all routes as the dialect has them
	claims string  // "own", "level", or "native"
	noun   string
	policy account.Policy
	auth   []string // the authenticators, by the names of package django
	// login is what people sign in with where the table is our own and nothing else is said; "": the table's.
	login   account.Field
	build   func(*mountPlan, *account.Service, *slog.Logger) web.Mount
	mounted bool // without being asked for
	// suffixes are taken off paths, as a router of REST framework's does: users.json.
	suffixes bool
	// profile is the kind of profile that the mount serves; "": none. Without one it is not mounted unasked.
	profile string
	// brings is a kind of profile that its mounts show, made where none of its name is declared.
	brings func() account.ProfileKind
	// mails are those that a configuration may ask of its routes, by their names there.
	mails []string
	// restAuth has django-rest-auth's views, registers its registration, too.
	restAuth, registers bool
	// newer has dj-rest-auth's views, not django-rest-auth's.
	newer bool
}

// presets are the mounts that a configuration can name.
var presets = map[string]preset{
	"tag1": {
		prefix: "/api/", claims: "level", noun: "spa user", mounted: true, build: buildClassic, auth: []string{django.AuthDRFJWT},
		places: []place{
			{op: "user-create", path: "user/create/"},
			{op: "user", name: "user-view", path: "user/view/", title: "Spa User"},
			{op: "user-delete", path: "user/delete/", title: "Spa User Delete"},
			{op: "user-logout", path: "user/logout/", title: "Spa User Logout"},
			{op: "user-logout-all", path: "user/logout/all/", title: "Spa User Logout All"},
			{op: "jwt-create", name: "user-login", path: "user/login/"},
			{op: "jwt-refresh", name: "user-login-refresh", path: "user/login/refresh/"},
		},
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Tokens: account.Tokens{Signing: account.PerUser, Access: 15 * time.Minute, Refresh: 7 * day, Renewable: true},
		},
	},
	"djoser1": {
		prefix: "/api/", claims: "own", noun: "user", build: buildClassic, auth: []string{django.AuthDRFJWT, django.AuthOpaque}, mails: allMails,
		places: []place{
			{op: "root"},
			{op: "user-create"},
			{op: "user"},
			{op: "user-delete"},
			{op: "user-activate"},
			{op: "set_username"},
			{op: "set_password"},
			{op: "password_reset"},
			{op: "password_reset_confirm"},
			{op: "token-create"},
			{op: "token-destroy"},
			{op: "jwt-create"},
			{op: "jwt-refresh"},
			{op: "jwt-verify"},
		},
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), Mail: djoserLinks, Links: account.LinkPolicy{FoldEmail: true, Stamp: true},
			Tokens: account.Tokens{Signing: account.Shared, Access: 5 * time.Minute, Refresh: 7 * day, Renewable: true},
		},
	},
	"djoser": {
		prefix: "/auth/", claims: "simplejwt", noun: "user", mounted: true, suffixes: true, build: buildUsers, login: account.Username,
		auth: []string{django.AuthSimpleJWT, django.AuthOpaque}, mails: allMails,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), Tokens: simpleTokens, Mail: djoserLinks,
			Links:   account.LinkPolicy{FoldEmail: true, Stamp: true},
			Changes: account.ChangePolicy{HideUsers: true},
		},
	},
	"simplejwt": {
		prefix: "/api/", claims: "simplejwt", noun: "user", mounted: true, build: buildSimple, login: account.Username,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Tokens: simpleTokens,
		},
	},
	"profiles": {
		prefix: "/api/accounts/", claims: "simplejwt", noun: "user", mounted: true, build: buildProfiles, login: account.Username,
		auth: []string{django.AuthSimpleJWT, django.AuthOpaque}, profile: "profile",
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Tokens: simpleTokens,
		},
	},
	"accounts": {
		prefix: "/api/accounts/", claims: "simplejwt", noun: "user", mounted: true, build: buildEnvelope, login: account.Email,
		auth: []string{django.AuthSimpleJWT},
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), StampLogin: true,
			Tokens: hourly(simpleTokens),
		},
	},
	"userapi": {
		prefix: "/userapi/", claims: "own", noun: "user", mounted: true, suffixes: true, build: buildPeople, brings: personKind, login: account.Email,
		auth: []string{django.AuthDRFJWT, django.AuthSession, django.AuthBasic},
		places: append([]place{
			{op: "api-root"},
			{op: "user-list"},
			{op: "user-detail"},
		}, append(tokenPlaces, restPlaces("auth/")...)...),
		restAuth: true, mails: passwordMails,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), EmailAsSent: true,
			Entry: account.EntryPolicy{Stamp: true}, Links: account.LinkPolicy{FoldEmail: true, Likeness: true}, Mail: restLinks,
			Tokens: account.Tokens{Signing: account.Shared, Access: time.Hour, Refresh: 7 * day, Renewable: true},
		},
	},
	"restauth": {
		prefix: "/rest-auth/", claims: "own", noun: "user", build: buildRestAuth, login: account.Username, restAuth: true, registers: true,
		auth: []string{django.AuthOpaque, django.AuthDRFJWT}, mails: passwordMails,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Entry: account.EntryPolicy{Opaque: true, Stamp: true}, Emails: account.EmailPolicy{Verify: account.VerifyLater},
			Links: account.LinkPolicy{FoldEmail: true, Likeness: true}, Mail: restLinks,
			Tokens: account.Tokens{Signing: account.Shared, Access: 5 * time.Minute, Refresh: 7 * day},
		},
	},
	"djrestauth": {
		prefix: "/dj-rest-auth/", claims: "simplejwt", noun: "user", build: buildRestAuth, login: account.Username, restAuth: true, registers: true, newer: true,
		auth: []string{django.AuthSimpleJWT, django.AuthOpaque}, mails: passwordMails,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(),
			Entry: account.EntryPolicy{Stamp: true}, Emails: account.EmailPolicy{Verify: account.VerifyLater},
			Links: account.LinkPolicy{FoldEmail: true, Likeness: true}, Mail: restLinks,
			Tokens: simpleTokens,
		},
	},
	"v1": {
		prefix: "/v1/", claims: "native", noun: "user", mounted: true, build: buildNative, mails: passwordMails,
		policy: account.Policy{
			Login: account.Email, FoldLogin: true, Rules: password.DefaultRules(), StampLogin: true, Mail: account.MailPolicy{ActivationURL: djoserLinks.ActivationURL},
			Tokens: account.Tokens{
				Signing: account.Published, Access: 5 * time.Minute, Rotating: true,
				Refresh: 90 * day, Idle: 14 * day, Grace: 10 * time.Second,
			},
		},
	},
}

// simpleTokens are SimpleJWT's tokens without settings.
var simpleTokens = account.Tokens{
	Signing: account.Shared, Access: 5 * time.Minute, Refresh: day, Grace: 10 * time.Second,
	Typed: &account.Typed{
		Issue: account.KindAccess, Accept: []account.Kind{account.KindAccess}, ReuseEnds: true,
		Sliding: 5 * time.Minute, SlidingRefresh: day,
	},
}

// hourly are these tokens with an access token of an hour.
func hourly(t account.Tokens) account.Tokens {
	t.Access = time.Hour
	return t
}

const day = 24 * time.Hour

// djoserLinks are the shapes of links that djoser's documentation shows.
var djoserLinks = account.MailPolicy{
	ActivationURL: "activate/{uid}/{token}", PasswordResetURL: "password/reset/confirm/{uid}/{token}", LoginResetURL: "username/reset/confirm/{uid}/{token}",
	AddressChanged: true,
}

// What presets can be asked to send: djoser's all, the others with a route for one's password that notice.
var (
	allMails      = []string{"activation", "confirmation", "password_changed", "login_changed"}
	passwordMails = []string{"password_changed"}
)

// Presets names every preset, in order.
func Presets() []string { return slices.Sorted(maps.Keys(presets)) }

// restLinks are the shapes of links that Django itself has.
var restLinks = account.MailPolicy{PasswordResetURL: "reset/{uid}/{token}/"}
