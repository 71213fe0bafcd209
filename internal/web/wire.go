package web

// Scheme is a way of saying who is asking, for those who write clients.
type Scheme struct {
	Name string // unique in its mount: "drf-jwt"
	// Header carries the credentials after Word: "Authorization", "Bearer". Without a Header a Cookie does.
	Header, Word, Cookie string
}

// Wire is how bodies travel under a dialect, and how it refuses.
type Wire struct {
	Takes  []string // media types of a request's body
	Strict bool     // a member that the route does not know is refused
	// Refuses is the media type of refusals, and Refusal has the members of one.
	Refuses string
	Refusal []Field
	// ByField says that what is wrong with a body is told by an object that has, for each member, a list of
	// texts, as REST framework does. Otherwise it is told by a Refusal too.
	ByField bool
}

// Wired is a dialect that says so.
type Wired interface {
	Wire() Wire
}
