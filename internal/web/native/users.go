package native

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"doorward/internal/account"
	"doorward/internal/web"
)

// usualPage is how many users a page has when nothing is said.
const usualPage = 50

// search are the parameters of the list of users.
var search = []web.Field{
	{Name: "limit", Kind: web.Integer, Min: 1, Max: account.MaxFound, Help: "How many at most; 50 when it is not said."},
	{Name: "after", Help: "What the page before called next."},
	{Name: "is_active", Kind: web.Boolean},
	{Name: "is_staff", Kind: web.Boolean},
	{Name: "joined_after", Kind: web.Moment, Help: "Joined then or later. A date begins at midnight UTC."},
	{Name: "joined_before", Kind: web.Moment, Help: "Joined earlier."},
	{Name: "email", Help: "What the address begins with, in any case."},
	{Name: "username", Help: "What the user name begins with."},
}

// found are the members of a page.
func (a *API) found() []web.Field {
	return []web.Field{
		{Name: "results", Required: true, Many: true, Fields: a.personFields()},
		{Name: "next", Required: true, Null: true, Help: "Say it as after for the next page; null after the last one. A page may be short, or empty, before the last one."},
	}
}

// personFields are the members of a user whom staff looks at.
func (a *API) personFields() []web.Field {
	flag := func(name string) web.Field { return web.Field{Name: name, Kind: web.Boolean} }
	return append(a.read(), flag("is_active"), flag("is_staff"), flag("is_superuser"), web.Field{Name: "signed_out_at", Kind: web.Moment, Null: true})
}

// users answers staff that looks for people.
func (a *API) users(w http.ResponseWriter, r *web.Request) error {
	q, err := readSearch(r.URL.Query())
	if err != nil {
		return err
	}
	found, err := a.accounts.Search(r.Context(), q)
	if err != nil {
		return err
	}
	results := make([]object, len(found.Users))
	for i := range found.Users {
		results[i] = personal(a.accounts.Model().Data(&found.Users[i], account.Staff))
	}
	return reply(w, http.StatusOK, object{{"results", results}, {"next", orNull(found.Next)}})
}

// readSearch reads the address. Of two parameters with one name the last counts; one that nobody knows is refused.
func readSearch(values url.Values) (account.Search, error) {
	q := account.Search{Limit: usualPage}
	p := &problem{Status: http.StatusBadRequest, Code: "invalid_request"}
	for name, texts := range values {
		if code := take(&q, name, texts[len(texts)-1]); code != "" {
			p.add(name, code, 0)
		}
	}
	if len(p.Errors) > 0 {
		return q, p.sorted()
	}
	return q, nil
}

// take reads one parameter, and says what is wrong with it.
func take(q *account.Search, name, text string) (code string) {
	ok := true
	switch name {
	case "limit":
		q.Limit, ok = number(text)
	case "after":
		q.After = text
	case "is_active":
		q.Active, ok = truth(text)
	case "is_staff":
		q.Staff, ok = truth(text)
	case "joined_after":
		q.From, ok = moment(text)
	case "joined_before":
		q.Until, ok = moment(text)
	case "email":
		q.Email = text
	case "username":
		q.Username = text
	default:
		return "unknown"
	}
	if !ok {
		return string(account.Invalid)
	}
	return ""
}

func number(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 1 && n <= account.MaxFound
}

func truth(text string) (*bool, bool) {
	is := text == "true"
	return &is, is || text == "false"
}

func moment(text string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, t.Year() > 0
		}
	}
	return time.Time{}, false
}

func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
