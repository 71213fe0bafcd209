package native

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"doorward/internal/account"
	"doorward/internal/web"
)

// problem is an error as clients see it (RFC 9457). Code is what a program acts on.
type problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Code   string         `json:"code"`
	Detail string         `json:"detail,omitempty"`
	Errors []fieldProblem `json:"errors,omitempty"`

	retryAfter time.Duration
	challenge  string
}

type fieldProblem struct {
	Field  string `json:"field"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *problem) Error() string { return p.Code }

// maxName bounds how much of a member's name is said back.
const maxName = 64

func (p *problem) add(field, code string, limit int) {
	if len(field) > maxName {
		field = strings.ToValidUTF8(field[:maxName], "") + "…"
	}
	p.Errors = append(p.Errors, fieldProblem{Field: field, Code: code, Detail: fieldText(code, limit)})
}

func (p *problem) sorted() *problem {
	slices.SortStableFunc(p.Errors, func(a, b fieldProblem) int { return strings.Compare(a.Field, b.Field) })
	return p
}

// fieldTexts say what is wrong with one member, to the person who writes the client.
var fieldTexts = map[string]string{
	"required":                         "This member is required.",
	"not_text":                         "This member takes a text of whole characters, and no null among them.",
	"unknown":                          "This route takes no such member.",
	string(account.Invalid):            "This is not a valid value.",
	string(account.TooLong):            "This has more than %d characters.",
	string(account.ReadOnly):           "This cannot be changed here.",
	string(account.Null):               "This may not be null.",
	string(account.Blank):              "This may not be empty.",
	string(account.WrongType):          "This is of another type than its field.",
	string(account.TooShort):           "This has fewer than %d characters.",
	string(account.TooBig):             "This is more than %d.",
	string(account.TooSmall):           "This is less than %d.",
	string(account.TooManyDigits):      "This has more than %d digits.",
	string(account.TooManyPlaces):      "This has more than %d digits after the point.",
	string(account.TooManyWhole):       "This has more than %d digits before the point.",
	string(account.NotChoice):          "This is none of the choices.",
	string(account.NoMatch):            "This does not have the form that its field asks for.",
	string(account.Taken):              "Somebody else has this value.",
	string(account.NotOfRole):          "This profile belongs to another role.",
	string(account.NotIndexed):         "The users' table has no index to search this by.",
	string(account.TooMany):            "There are more than %d of them.",
	string(account.EmailTaken):         "An account with this e-mail address exists.",
	string(account.UsernameTaken):      "An account with this user name exists.",
	string(account.PhoneTaken):         "An account with this phone number exists.",
	string(account.PasswordSimilar):    "This password is too similar to the account's other data.",
	string(account.PasswordShort):      "This password has fewer than %d characters.",
	string(account.PasswordCommon):     "This password is too common.",
	string(account.PasswordNumeric):    "This password consists of digits only.",
	string(account.PasswordLong):       "This password has more than %d bytes.",
	string(account.WrongPassword):      "This is not the account's password.",
	string(account.LinkUser):           "This link is nobody's.",
	string(account.LinkToken):          "This link is not good, or no longer.",
	string(account.LinkStale):          "This account is active.",
	string(account.GroupTaken):         "A group with this name exists.",
	string(account.PermissionTaken):    "This permission exists.",
	string(account.NoSuchUser):         "There is no such user.",
	string(account.NoSuchGroup):        "There is no such group.",
	string(account.NoSuchPermission):   "There is no such permission.",
	string(account.InvalidCredentials): "No account has this name and this password.",
}

func fieldText(code string, limit int) string {
	text := fieldTexts[code]
	if strings.Contains(text, "%d") {
		return fmt.Sprintf(text, limit)
	}
	return text
}

// statuses of the codes that are no fault of one member.
var statuses = map[account.Code]int{
	account.InvalidCredentials: http.StatusUnauthorized,
	account.WrongPassword:      http.StatusForbidden,
	account.EmailUnverified:    http.StatusForbidden,
	account.EmailTaken:         http.StatusConflict,
	account.UsernameTaken:      http.StatusConflict,
	account.PhoneTaken:         http.StatusConflict,
	account.Taken:              http.StatusConflict,
	account.ProfileExists:      http.StatusConflict,
	account.ProfileNone:        http.StatusNotFound,
	account.LinkUser:           http.StatusBadRequest,
	account.LinkToken:          http.StatusBadRequest,
	account.LinkStale:          http.StatusConflict,
	account.NoSuchUser:         http.StatusNotFound,
	account.NotYours:           http.StatusNotFound, // that he is there is nobody's business either
	account.Outranked:          http.StatusForbidden,
	account.NoSuchGroup:        http.StatusNotFound,
	account.NoSuchPermission:   http.StatusNotFound,
	account.GroupTaken:         http.StatusConflict,
	account.PermissionTaken:    http.StatusConflict,
	account.Busy:               http.StatusServiceUnavailable,
	account.Unavailable:        http.StatusServiceUnavailable,
	account.UserDisabled:       http.StatusUnauthorized,
	account.TokenMalformed:     http.StatusUnauthorized,
	account.TokenAlgorithm:     http.StatusUnauthorized,
	account.TokenForged:        http.StatusUnauthorized,
	account.TokenExpired:       http.StatusUnauthorized,
	account.TokenClaims:        http.StatusUnauthorized,
	account.TokenParty:         http.StatusUnauthorized,
	account.TokenNamed:         http.StatusUnauthorized,
	account.TokenUnnamed:       http.StatusUnauthorized,
	account.TokenEnded:         http.StatusUnauthorized,
}

// tokenCodes tell a client what it can do about a token: get another, or sign in. Why exactly
// a token is bad is nobody's business.
var tokenCodes = map[account.Code]string{
	account.TokenExpired: "token_expired",
	account.TokenEnded:   "session_ended",
	account.UserDisabled: "session_ended",
}

// explain turns what a handler returned into a problem, and reports false for a fault of ours.
func (a *API) explain(err error) (*problem, bool) {
	var p *problem
	if errors.As(err, &p) {
		return p, true
	}
	refusal := account.Refusal(err)
	if refusal == nil {
		return &problem{Status: http.StatusInternalServerError, Code: "internal_error"}, false
	}
	first := refusal.Problems[0]
	p = &problem{Status: statuses[first.Code], Code: string(first.Code), Detail: fieldText(string(first.Code), 0), retryAfter: refusal.RetryAfter}
	switch {
	case first.Code == account.NotYours:
		p.Code, p.Detail = string(account.NoSuchUser), fieldTexts[string(account.NoSuchUser)]
	case p.Status == 0:
		p.Status, p.Code, p.Detail = http.StatusBadRequest, "invalid_request", ""
	case strings.HasPrefix(p.Code, "token_") || first.Code == account.UserDisabled:
		p.challenge = a.Challenge() + `, error="invalid_token"`
		if p.Code = tokenCodes[first.Code]; p.Code == "" {
			p.Code = "token_invalid"
		}
	case p.Status == http.StatusUnauthorized:
		p.challenge = a.Challenge()
	}
	for _, each := range refusal.Problems {
		name := string(each.Field)
		if each.Profile != "" {
			name = strings.TrimSuffix(each.Profile+"."+name, ".")
		}
		if name != "" {
			p.add(name, string(each.Code), each.Limit)
		}
	}
	return p, true
}

func refuse(w http.ResponseWriter, p *problem) {
	p.Type, p.Title = "urn:doorward:problem:"+p.Code, http.StatusText(p.Status)
	if p.retryAfter > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt(max(1, int64((p.retryAfter+time.Second-1)/time.Second)), 10))
	}
	if p.challenge != "" {
		w.Header()["Www-Authenticate"] = []string{p.challenge}
	}
	body, err := json.Marshal(p)
	if err != nil {
		body = []byte(`{"status":500}`)
	}
	send(w, p.Status, problemType, body)
}

// View implements web.Dialect.
func (a *API) View(m *web.Mount, routes []*web.Route) http.Handler {
	byMethod := map[string]*web.Route{}
	var allow []string
	for _, route := range routes {
		byMethod[route.Method] = route
		allow = append(allow, route.Method)
	}
	if get := byMethod[http.MethodGet]; get != nil {
		byMethod[http.MethodHead] = get
		allow = append(allow, http.MethodHead)
	}
	allowed := strings.Join(append(allow, http.MethodOptions), ", ")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		route := byMethod[r.Method]
		switch {
		case r.Method == http.MethodOptions:
			w.Header().Set("Allow", allowed)
			_ = done(w, nil)
		case route == nil:
			w.Header().Set("Allow", allowed)
			refuse(w, &problem{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed"})
		default:
			if err := a.call(w, &web.Request{Request: r, Route: route, Mount: m}); err != nil {
				a.fail(w, r, err)
			}
		}
	})
}

func (a *API) call(w http.ResponseWriter, r *web.Request) (err error) {
	if r.Route.Access != web.Anyone {
		if r.Who, err = a.Authenticate(r.Request, r.Route.Fresh); err != nil {
			return err
		}
		if r.Who == nil {
			return &problem{Status: http.StatusUnauthorized, Code: "token_missing", challenge: a.Challenge()}
		}
	}
	admitted, err := r.Route.Admits(r.Context(), a.accounts.Has, r.Who)
	if err != nil {
		return err
	}
	if !admitted {
		return &problem{Status: http.StatusForbidden, Code: "forbidden", Detail: "You may not do this."}
	}
	return r.Route.Handler(w, r)
}

func (a *API) fail(w http.ResponseWriter, r *http.Request, err error) {
	p, ok := a.explain(err)
	if !ok {
		web.Fault(a.log, w, r, err)
	}
	refuse(w, p)
}

// NotFound implements web.Dialect.
func (a *API) NotFound(w http.ResponseWriter, _ *http.Request) {
	refuse(w, &problem{Status: http.StatusNotFound, Code: "not_found"})
}

// Refuse implements web.Dialect.
func (a *API) Refuse(w http.ResponseWriter, _ *http.Request, status int, reason string) {
	refuse(w, &problem{Status: status, Code: "refused", Detail: reason})
}

// Headers implements web.Dialect.
func (a *API) Headers(h http.Header) { h["Cache-Control"] = noStore }

// Slash implements web.Dialect: paths are exact.
func (a *API) Slash() bool { return false }

// Rewrite implements web.Dialect: there are no suffixes.
func (a *API) Rewrite(*http.Request) *http.Request { return nil }
