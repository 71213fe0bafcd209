package native

import "doorward/internal/web"

// Wire implements web.Wired.
func (a *API) Wire() web.Wire {
	text := func(name string) web.Field { return web.Field{Name: name, Required: true} }
	return web.Wire{
		Takes:   jsonType,
		Strict:  true,
		Refuses: problemType[0],
		Refusal: []web.Field{
			text("type"), text("title"),
			{Name: "status", Kind: web.Integer, Required: true},
			text("code"),
			{Name: "detail"},
			{Name: "errors", Many: true, Fields: []web.Field{text("field"), text("code"), text("detail")}},
		},
	}
}
