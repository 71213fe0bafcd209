package reference

// explanation is a difference that is meant. Its page says why.
type explanation struct {
	name string // a heading of page
	page string // in docs/divergences
	// parts: afterwards the two servers are in different conditions, and the round ends.
	parts bool
	is    func(q *request, ours, django *answer) bool
}

var explanations = []explanation{
	{
		name: "Where Django answers 500", page: "django.md",
		is: func(_ *request, ours, django *answer) bool { return django.status == 500 && ours.status < 500 },
	},
}

// explain finds what explains a difference; nil: nothing does.
func explain(q *request, ours, django *answer) *explanation {
	for i := range explanations {
		if e := &explanations[i]; e.is(q, ours, django) {
			return e
		}
	}
	return nil
}
