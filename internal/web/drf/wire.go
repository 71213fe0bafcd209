package drf

import "doorward/internal/web"

// Wire implements web.Wired.
func (s *Site) Wire() web.Wire {
	return web.Wire{
		Takes:   s.parses(),
		Refuses: jsonMedia,
		Refusal: []web.Field{{Name: detailKey, Required: true}, {Name: "code"}},
		ByField: true,
	}
}
