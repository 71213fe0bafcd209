package web

import (
	"context"
	"net/http"
	"strings"

	"doorward/internal/account"
)

// Rule is who may call a route, and whom it may be about. An operator names one; a route has one of its own.
type Rule struct {
	Access Access
	Reach  account.Reach // of a route that is About somebody
	Needs  account.Needs
}

// ruleNames are the rules without a value, in the order in which they are listed.
var ruleNames = []struct {
	name string
	rule Rule
}{
	{"anyone", Rule{Access: Anyone, Reach: account.Everybody}},
	{"signed-in", Rule{Access: SignedIn, Reach: account.Everybody}},
	{"own", Rule{Access: SignedIn, Reach: account.OwnOrStaff}},
	{"owner-or-read-only", Rule{Access: SignedIn, Reach: account.Own}},
	{"second-factor", Rule{Access: SecondFactor, Reach: account.Everybody}},
	{"staff", Rule{Access: Staff, Reach: account.Everybody}},
	{"superuser", Rule{Access: Superuser, Reach: account.Everybody}},
}

// What a rule with a value begins with.
const (
	permRule  = "perm:"
	groupRule = "group:"
)

// RuleNames lists what ParseRule knows, for people.
func RuleNames() (names []string) {
	for _, r := range ruleNames {
		names = append(names, r.name)
	}
	return append(names, permRule+"APP.CODENAME", groupRule+"NAME")
}

// ParseRule reads the name of a rule. It is the only place that knows them.
func ParseRule(text string) (Rule, bool) {
	if permission, ok := strings.CutPrefix(text, permRule); ok {
		return Rule{SignedIn, account.Everybody, account.Needs{Permission: permission}}, account.ValidPermission(permission)
	}
	if group, ok := strings.CutPrefix(text, groupRule); ok {
		return Rule{SignedIn, account.Everybody, account.Needs{Group: group}}, account.ValidGroupName(group)
	}
	for _, r := range ruleNames {
		if r.name == text {
			return r.rule, true
		}
	}
	return Rule{}, false
}

// Name is what ParseRule reads; "" for a rule that no name says.
func (r Rule) Name() string {
	switch {
	case r.Needs.Permission != "" && r == (Rule{SignedIn, account.Everybody, account.Needs{Permission: r.Needs.Permission}}):
		return permRule + r.Needs.Permission
	case r.Needs.Group != "" && r == (Rule{SignedIn, account.Everybody, account.Needs{Group: r.Needs.Group}}):
		return groupRule + r.Needs.Group
	}
	for _, named := range ruleNames {
		if named.rule == r {
			return named.name
		}
	}
	return ""
}

// On is the rule of a route with this method: who may only read what is another's may read it.
func (r Rule) On(method string) Rule {
	if r.Reach == account.Own && method == http.MethodGet {
		r.Reach = account.Everybody
	}
	return r
}

// Rule is the rule of a route.
func (r *Route) Rule() Rule { return Rule{r.Access, r.Reach, r.Needs} }

// Obey gives a route a rule.
func (r *Route) Obey(rule Rule) { r.Access, r.Reach, r.Needs = rule.Access, rule.Reach, rule.Needs }

// Looser reports whether somebody may do by r what he may not do by other. about says that the route is about somebody.
func (r Rule) Looser(other Rule, about bool) bool {
	return r.Access < other.Access || about && r.Reach.Wider(other.Reach) || r.Needs != other.Needs && other.Needs != (account.Needs{})
}

// Has asks for what somebody must have beside a good token.
type Has func(ctx context.Context, who *account.Principal, n account.Needs) (bool, error)

// Admits reports whether who may call the route. Where nobody can be asked what he has, who needs something has not got it.
func (r *Route) Admits(ctx context.Context, has Has, who *account.Principal) (bool, error) {
	if !r.Access.admits(who) {
		return false, nil
	}
	if r.Needs == (account.Needs{}) {
		return true, nil
	}
	if has == nil {
		return false, nil
	}
	return has(ctx, who, r.Needs)
}

func (a Access) admits(who *account.Principal) bool {
	switch {
	case a == Anyone:
		return true
	case who == nil:
		return false
	}
	switch a {
	case SignedIn:
		return true
	case SecondFactor:
		return who.Level != ""
	case Staff:
		return who.User.IsStaff
	case Superuser:
		return who.User.IsSuperuser
	}
	return false
}
