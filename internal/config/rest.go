package config

import (
	"fmt"
	"slices"
	"strconv"

	"doorward/internal/pattern"
)

// REST are the settings of REST framework and drf-jwt that a mount may have. What is empty is the
// preset's own.
type REST struct {
	Authenticators []string // drf-jwt, simplejwt, opaque, basic, session; the first one writes the challenge
	HeaderPrefix   string   // the word before a token of drf-jwt
	TokenCookie    string   // a cookie that brings a token of drf-jwt, too
	// How often somebody may ask, "3/minute": who is nobody, by his address, and who is signed in.
	RateAnonymous, RateUser string
	// PageSize is how many rows a page of a list has; 0: lists have no pages, and ListLimit rows at most (0: 10,000).
	PageSize, ListLimit int
	XML                 bool // bodies and answers may be XML
}

func (r *REST) settings() []setting {
	return []setting{
		{"authenticators", &r.Authenticators},
		{"header_prefix", &r.HeaderPrefix},
		{"token_cookie", &r.TokenCookie},
		{"rate_anonymous", &r.RateAnonymous},
		{"rate_user", &r.RateUser},
		{"page_size", &r.PageSize},
		{"list_limit", &r.ListLimit},
		{"xml", &r.XML},
	}
}

func (r *REST) choices() (list []choice) {
	for _, name := range r.Authenticators {
		list = append(list, choice{"authenticators", name, []string{"drf-jwt", "simplejwt", "opaque", "basic", "session"}})
	}
	return list
}

// cookies are the names of Django's own.
var cookies = []string{"sessionid", "csrftoken"}

var rate = pattern.Of(`^[1-9][0-9]{0,8}/[smhd][a-z]*$`) // as REST framework has it
// The bounds of lists: a page is read by one statement, and a list without pages is held in memory whole.
const (
	maxPageSize  = 1000
	maxListLimit = 100_000
)

func (k *checker) rest(prefix string, r *REST) {
	if r.Authenticators != nil && len(r.Authenticators) == 0 {
		k.refuse(prefix+"authenticators", prefix+"authenticators is empty", "nobody could show who he is", "opaque")
	}
	if r.HeaderPrefix != "" && !headerWord().MatchString(r.HeaderPrefix) {
		k.refuse(prefix+"header_prefix", prefix+"header_prefix should be a word such as JWT", shown(r.HeaderPrefix)+" is none", "JWT")
	}
	if r.TokenCookie != "" && (!headerWord().MatchString(r.TokenCookie) || slices.Contains(cookies, r.TokenCookie)) {
		k.refuse(prefix+"token_cookie", prefix+"token_cookie should be the name of a cookie of its own", shown(r.TokenCookie)+" is none", "jwt")
	}
	for _, s := range []struct {
		key         string
		value, most int
	}{{"page_size", r.PageSize, maxPageSize}, {"list_limit", r.ListLimit, maxListLimit}} {
		if s.value < 0 || s.value > s.most {
			k.refuse(prefix+s.key, fmt.Sprintf("%s should be from 0 to %d", prefix+s.key, s.most), "it is "+strconv.Itoa(s.value), "100")
		}
	}
	for _, s := range []struct{ key, value string }{{"rate_anonymous", r.RateAnonymous}, {"rate_user", r.RateUser}} {
		if s.value != "" && !rate().MatchString(s.value) {
			k.refuse(prefix+s.key, prefix+s.key+" should be a number of requests in a second, minute, hour or day",
				"it is "+shown(s.value), "60/minute")
		}
	}
}
