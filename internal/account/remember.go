package account

import "slices"

// moment is where memory stood before rows were read. What is made of them is remembered, unless
// what was forgotten since may be in it.
type moment struct {
	generation, keys uint64
	changes          [hotShards]uint64 // of users, by shard: whose row will be read is not known yet
}

// moment begins, before anything is read that a token of p will be made of.
func (s *Service) moment(p *Policy) (m moment) {
	if s.hot != nil {
		s.hot.lasts(p)
		m.generation, m.keys = s.hot.generation.Load(), s.keysVersion.Load()
		for i := range m.changes {
			m.changes[i] = s.hot.changes[i].Load()
		}
	}
	return m
}

// remember gives g, whose token p has just made of rows that are committed, and keeps that token and
// its user: the first use costs as little as all others.
func (s *Service) remember(p *Policy, m *moment, g Grant) Grant {
	if s.hot == nil || !p.opensWith(&g) {
		return g
	}
	key, signature := keyOfToken(p, g.Access)
	s.keepToken(p, m, key, signature, &Principal{User: g.User, Session: g.Session, mark: g.Session.Mark}, g.Expires.Unix())
	if !g.User.wide() {
		shard := s.hot.shardOf(g.User.ID)
		s.hot.users[shard].learn(&hotUser{g.User, m.generation}, m.changes[shard])
	}
	return g
}

// opensWith reports whether the token of g opens routes of p as surely as one that was judged. Where
// another party's settings have a say in it, that is seen at its first use.
func (p *Policy) opensWith(g *Grant) bool {
	if g.User.ID == 0 || g.Session.ID == 0 || g.User.LoginName(p.Login) == "" || p.Tokens.claim(FromPasswordDigest) != "" {
		return false
	}
	d := p.Tokens.Typed
	return p.Tokens.Keys == nil && (d == nil || d.Owner == "" && slices.Contains(d.Accept, d.Issue))
}

// keepToken remembers a good token of who's, until its expiry in unix seconds. One that may live longer
// than those made here is judged by its rows each time.
func (s *Service) keepToken(p *Policy, m *moment, key tokenKey, signature signatureKey, who *Principal, expires int64) {
	if expires > s.longest(p).Unix() {
		return
	}
	s.hot.tokens[key.shard()].keep(key, hotToken{
		user: who.User.ID, session: who.Session.ID, mark: who.mark, expires: expires, generation: m.generation, keys: m.keys,
		login: s.hot.hash(p.names(&who.User)), secret: who.User.JWTSecret, signature: signature, epoch: who.User.Epoch,
	})
}
