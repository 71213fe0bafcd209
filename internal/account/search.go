package account

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Walk is an order to list users in that an index stands behind.
type Walk struct {
	// By is ID; IsStaff for staff alone and IsActive for who is not active, by id; DateJoined; or Email and Username
	// for those that begin with Prefix, in the order of their text.
	By     Field
	Prefix string
	// From and Until bound DateJoined: joined at From or later, and before Until. Zero: open.
	From, Until time.Time
	After       Place
}

// Place is where a page of a Walk ended: at this user.
type Place struct {
	ID     int64     `json:"i,omitempty"`
	Joined time.Time `json:"j,omitzero"`
	Text   string    `json:"t,omitempty"`
}

// ErrNoIndex is what a Reader answers to a Walk that no index stands behind.
var ErrNoIndex = errors.New("no index")

// Search says whom to list. What is zero or nil is not asked for.
type Search struct {
	Active, Staff   *bool
	From, Until     time.Time // joined at From or later, before Until
	Email, Username string    // what they begin with
	After           string    // where the page before ended, as Found says it
	Limit           int       // from 1 to MaxFound
}

// Found is a page of a search. It may be short while there is more: what Next says decides.
type Found struct {
	Users []User
	Next  string // "": there is no more
}

// MaxFound is the longest page of a search. maxExamined is how many users are looked at for one, since few of those
// that an index gives may be wanted.
const (
	MaxFound    = 200
	maxExamined = 5000
)

// walk is the narrowest order for a search. The other conditions are judged user by user.
func (q *Search) walk() Walk {
	switch {
	case q.Email != "":
		return Walk{By: Email, Prefix: q.Email}
	case q.Username != "":
		return Walk{By: Username, Prefix: q.Username}
	case q.Staff != nil && *q.Staff:
		return Walk{By: IsStaff}
	case q.Active != nil && !*q.Active:
		return Walk{By: IsActive}
	case !q.From.IsZero() || !q.Until.IsZero():
		return Walk{By: DateJoined, From: q.From, Until: q.Until}
	}
	return Walk{By: ID}
}

// wants judges what the walk does not.
func (q *Search) wants(u *User) bool {
	switch {
	case q.Active != nil && u.IsActive != *q.Active,
		q.Staff != nil && u.IsStaff != *q.Staff,
		!q.From.IsZero() && u.DateJoined.Before(q.From),
		!q.Until.IsZero() && !u.DateJoined.Before(q.Until),
		q.Username != "" && !strings.HasPrefix(u.Username, q.Username):
		return false
	}
	return true
}

// Search lists users for staff. Codes: Invalid of After, NotIndexed of the field that no index stands behind.
func (s *Service) Search(ctx context.Context, q Search) (found Found, err error) {
	q.Limit = max(1, min(q.Limit, MaxFound))
	q.Username = NormalizeUsername(q.Username)
	w := q.walk()
	if w.After, err = placeOf(q.After, w.By); err != nil {
		return Found{}, err
	}
	err = s.store.View(ctx, func(r Reader) error {
		for examined, step := 0, q.Limit; ; step = MaxFound {
			page, err := r.Walk(ctx, w, step)
			if err != nil {
				return err
			}
			for i := range page {
				u := &page[i]
				w.After = s.placeIn(w.By, u)
				examined++
				if q.wants(u) {
					found.Users = append(found.Users, *u)
				}
				if len(found.Users) == q.Limit || examined == maxExamined {
					found.Next = w.After.text(w.By)
					return nil
				}
			}
			if len(page) < step {
				return nil
			}
		}
	})
	switch {
	case errors.Is(err, ErrNoIndex):
		return Found{}, failField(NotIndexed, w.By)
	case err != nil:
		return Found{}, fmt.Errorf("search users: %w", err)
	}
	return found, nil
}

// placeIn is where u stands in a walk.
func (s *Service) placeIn(by Field, u *User) Place {
	switch by {
	case Email:
		if s.store.Model().EmailUnique == Folded {
			return Place{Text: FoldEmail(u.Email)}
		}
		return Place{Text: u.Email}
	case Username:
		return Place{Text: u.Username}
	case DateJoined:
		return Place{ID: u.ID, Joined: u.DateJoined}
	}
	return Place{ID: u.ID}
}

// text is a place as clients carry it. It says nothing that they have not seen.
func (p Place) text(by Field) string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // it holds nothing that has no JSON
	}
	return base64.RawURLEncoding.EncodeToString(append([]byte(by+" "), raw...))
}

func placeOf(text string, by Field) (p Place, err error) {
	if text == "" {
		return p, nil
	}
	raw, bad := base64.RawURLEncoding.DecodeString(text)
	name, rest, _ := strings.Cut(string(raw), " ")
	if bad == nil && name == string(by) {
		bad = json.Unmarshal([]byte(rest), &p)
	}
	if bad != nil || name != string(by) || strings.Contains(p.Text, "\x00") {
		return p, failField(Invalid, "after")
	}
	return p, nil
}
