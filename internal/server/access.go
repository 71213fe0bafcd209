package server

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/token"
	"doorward/internal/web"
)

// obey gives a route the rule that the configuration names for it.
func (m *mountPlan) obey(r *web.Route) error {
	name := r.Method + " " + r.Op
	text, ok := m.access[name]
	if !ok {
		name = r.Op
		text, ok = m.access[name]
	}
	if !ok {
		return nil
	}
	return m.guard(r, name, text)
}

// checkRuled refuses rules of routes that are not there; known are those with a method and without.
func (m *mountPlan) checkRuled(known map[string]bool) error {
	for _, name := range slices.Sorted(maps.Keys(m.access)) {
		if !known[name] {
			return fmt.Errorf("[mounts.%s] access names the route %q, which is not there\n  there are: %s\n  try: one of them, or one with its method before it",
				m.name, name, strings.Join(namesIn(known), ", "))
		}
	}
	return nil
}

// setRights puts what people may do into tokens, where there is room for it: the others are pinned by their contract.
func (m *mountPlan) setRights(c *config.Mount, model *account.Model) error {
	if !c.GroupClaims && !c.PermissionClaims {
		return nil
	}
	if !m.policy.Tokens.Rotating && m.policy.Tokens.Typed == nil {
		return fmt.Errorf("[mounts.%s] has group_claims or permission_claims, which do not go with this preset\n  its contract says which claims its tokens have\n"+
			"  try: preset = \"v1\", \"simplejwt\" or \"djoser\"", m.name)
	}
	m.declared = append(m.declared, account.RightsClaims(c.GroupClaims, c.PermissionClaims)...)
	m.policy.Tokens.RightsRoom = model.ClaimRoom()
	return nil
}

// namesIn are the names without a method, in order.
func namesIn(known map[string]bool) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(known)), func(name string) bool { return strings.Contains(name, " ") })
}

// noRule refuses a rule that nobody knows.
func (m *mountPlan) noRule(key, name, text string) error {
	return fmt.Errorf("[mounts.%s] %s has the rule %q, which is not known\n  there are: %s\n  try: %s = \"staff\"",
		m.name, key, text, strings.Join(web.RuleNames(), ", "), name)
}

// guard gives one route a rule, if it is one that the route can keep.
func (m *mountPlan) guard(r *web.Route, name, text string) error {
	rule, ok := web.ParseRule(text)
	if !ok {
		return m.noRule("access", name, text)
	}
	switch {
	case rule.Reach != account.Everybody && !r.About:
		return fmt.Errorf("[mounts.%s] access has %s = %q, and that route is about nobody in particular\n  the rule asks whose it is\n  try: %s = \"signed-in\"",
			m.name, name, text, name)
	case rule.Access == web.Anyone && r.Access != web.Anyone && !r.Open:
		return fmt.Errorf("[mounts.%s] access has %s = %q, and that route is about who asks\n  without a token there is nobody\n  try: %s = \"signed-in\"",
			m.name, name, text, name)
	}
	r.Obey(rule.On(r.Method))
	r.Others = 0
	r.Anonymous = r.Anonymous && rule.Access == web.Anyone
	r.Fresh = r.Fresh || rule.Access > web.SignedIn
	return nil
}

// Loosened says which routes of a configuration somebody may call, or about whom, who may not by the route's own rule.
func Loosened(cfg *config.Config) (notes []string, err error) {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return nil, err
	}
	accounts := account.New(account.Options{Store: nothing{model: p.model}, Root: token.NewRoot(token.NewSecret(), "")})
	defer accounts.Close()
	for i := range p.mounts {
		m := &p.mounts[i]
		own := *m
		own.access, own.djoser.Permissions = nil, nil
		said, err := m.mount(accounts, nil)
		if err != nil {
			return nil, err
		}
		usual, err := own.mount(accounts, nil)
		if err != nil {
			return nil, err
		}
		for j := range said.Routes {
			r, was := &said.Routes[j], &usual.Routes[j]
			if r.Rule().Looser(was.Rule(), r.About) {
				notes = append(notes, fmt.Sprintf("[mounts.%s] %s %s (%s) is open to more people than by itself\n  it takes %s, and by itself %s\n"+
					"  try: leave its rule out, unless that is what you want", m.name, r.Method, m.prefix+r.Path, r.Op, ruleOf(r), ruleOf(was)))
			}
		}
	}
	return notes, nil
}

// ruleOf is the rule of a route for people.
func ruleOf(r *web.Route) string {
	rule := r.Rule()
	if !r.About {
		rule.Reach = account.Everybody
	}
	return cmp.Or(rule.Name(), "its readers") // the readers' half of owner-or-read-only
}
