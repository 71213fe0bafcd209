package drf

import (
	"fmt"
	"net/http"
)

// Keys of bodies that tell what is wrong.
const (
	detailKey   = "detail"
	nonFieldKey = "non_field_errors"
)

// Failure is an answer that a handler or an authenticator returns as its error. A 401 gains the
// challenge of the site's first authenticator, or becomes 403 where there is none.
type Failure struct {
	Status int
	Body   any // what JSON takes; nil: no body
	Header http.Header
}

// Error implements error; for logs, so it repeats nothing that a client sent.
func (f *Failure) Error() string {
	return fmt.Sprintf("answered with %d %s", f.Status, http.StatusText(f.Status))
}

// Invalid is 400 with what is wrong with one field.
func Invalid(field string, texts ...string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Body: Object{{field, texts}}}
}

// NonField is 400 with what is wrong with the fields together.
func NonField(texts ...string) *Failure { return Invalid(nonFieldKey, texts...) }

// Bare is 400 with a list alone, which is how DRF shows an error that was raised while saving.
func Bare(texts ...string) *Failure {
	return &Failure{Status: http.StatusBadRequest, Body: texts}
}

// Detail is any status with one sentence.
func Detail(status int, text string) *Failure {
	return &Failure{Status: status, Body: Object{{detailKey, text}}}
}

// Empty is any status without a body.
func Empty(status int) *Failure { return &Failure{Status: status} }

// NotFound is the 404 of a view. Modern DRF says "No User matches the given query." where a row
// was looked for; that is the caller's to say.
func NotFound() *Failure { return Detail(http.StatusNotFound, "Not found.") }

// NoRow is the 404 of a view that looked for a row; what is its model's name, "User".
func NoRow(what string, modern bool) *Failure {
	if modern {
		return Detail(http.StatusNotFound, "No "+what+" matches the given query.")
	}
	return NotFound()
}

// NotAuthenticated is the 401 of somebody who shows no credentials.
func NotAuthenticated() *Failure {
	return Detail(http.StatusUnauthorized, "Authentication credentials were not provided.")
}

// PermissionDenied is the 403 of somebody who may not do that.
func PermissionDenied() *Failure {
	return Detail(http.StatusForbidden, "You do not have permission to perform this action.")
}
