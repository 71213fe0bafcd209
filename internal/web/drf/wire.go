package drf

import "doorward/internal/web"

// Wire implements web.Wired.
func (s *Site) Wire() web.Wire {
	return web.Wire{
		Takes:   []string{jsonMedia, formMedia, multipartMedia},
		Refuses: jsonMedia,
		Refusal: []web.Field{{Name: detailKey, Required: true}, {Name: "code"}},
		ByField: true,
	}
}
