package mail

import (
	"errors"
	"net/url"
)

func newSMTP(u *url.URL) (Transport, error) { return nil, errors.New("not yet") }
