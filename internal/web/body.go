package web

import (
	"errors"
	"io"
	"net/http"
)

// The limits of a body, in every dialect.
const (
	MaxBody    = 64 << 10 // bytes
	MaxDepth   = 20       // objects and lists within one another
	MaxMembers = 200
)

// What can be wrong with a body before anybody looks into it.
var (
	ErrBodyTooLarge = errors.New("the body is larger than 64 KiB")
	ErrBodyCut      = errors.New("the body did not arrive whole")
)

// ReadBody reads the whole body of r. Errors: ErrBodyTooLarge, ErrBodyCut.
func ReadBody(r *http.Request) ([]byte, error) {
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		return nil, nil
	case r.ContentLength > MaxBody:
		return nil, ErrBodyTooLarge
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case len(body) > MaxBody:
		return nil, ErrBodyTooLarge
	case err != nil:
		return nil, ErrBodyCut
	}
	return body, nil
}
