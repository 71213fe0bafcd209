package store

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"doorward/internal/account"
)

// value is what column col of u's row holds.
func (q *queries) value(u *account.User, col column) (any, error) {
	switch col.Field {
	case account.ID:
		return u.ID, nil
	case account.Password:
		return u.Password, nil // never null: '' admits nobody
	case account.IsActive:
		return u.IsActive, nil
	case account.IsStaff:
		return u.IsStaff, nil
	case account.IsSuperuser:
		return u.IsSuperuser, nil
	case account.IsAdmin:
		return u.IsStaff || u.IsSuperuser, nil
	case account.JWTSecret:
		return hex.EncodeToString(u.JWTSecret[:]), nil // PostgreSQL's uuid reads it without dashes too
	case account.LastLogin:
		return q.time(u.LastLogin, col), nil
	case account.DateJoined:
		return q.time(u.DateJoined, col), nil
	}
	text := q.text(u, col.Field)
	if !storable(text) {
		return nil, fmt.Errorf("the %s holds bytes that are no text", col.Field)
	}
	if text == "" && col.null {
		return nil, nil
	}
	return text, nil
}

func (q *queries) text(u *account.User, f account.Field) string {
	switch f {
	case account.Username:
		return u.Username
	case account.Email:
		return u.Email
	case account.EmailKey:
		return q.emailKey(u.Email)
	case account.FirstName:
		return u.FirstName
	case account.LastName:
		return u.LastName
	case account.Name:
		return u.Name
	case account.Phone:
		return u.Phone
	case account.Language:
		return u.Language
	}
	panic("store: no text field " + string(f)) // checkModel admits no other
}

// emailKey is what the uniqueness of an address is judged by; "" for nothing.
func (c *compiled) emailKey(email string) string {
	switch c.model.EmailUnique {
	case account.Folded:
		return account.FoldEmail(email)
	case account.Exact:
		return email
	}
	return ""
}

// storable reports whether both engines hold text as it is: PostgreSQL takes no NUL.
func storable(text string) bool {
	return utf8.ValidString(text) && !strings.Contains(text, "\x00")
}

// time is t as the column holds it. A zero time is null, or 0 where a moment cannot be null.
func (q *queries) time(t time.Time, col column) any {
	switch {
	case t.IsZero() && (col.null || col.Type == account.Stamp):
		return nil
	case col.Type == account.Stamp:
		return q.d.engine.stamp(t)
	}
	return micros(t)
}

// micros is t in microseconds since 1970, 0 for the zero time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// orNull is micros, with null for the zero time.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

// intoText reads a text that may be null.
type intoText struct{ to *string }

func (i intoText) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*i.to = ""
	case string:
		*i.to = v
	case []byte:
		*i.to = string(v)
	default:
		return fmt.Errorf("want a text, have %T", v)
	}
	return nil
}

// intoAdmin reads one flag for both.
type intoAdmin struct{ u *account.User }

func (i intoAdmin) Scan(v any) error {
	var admin bool
	switch v := v.(type) {
	case bool:
		admin = v
	case int64:
		admin = v != 0
	default:
		return fmt.Errorf("want a flag, have %T", v)
	}
	i.u.IsStaff, i.u.IsSuperuser = admin, admin
	return nil
}

// intoTime reads microseconds, or Django's datetime; null and 0 are the zero time.
type intoTime struct{ to *time.Time }

func (i intoTime) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*i.to = time.Time{}
	case int64:
		*i.to = time.Time{}
		if v != 0 {
			*i.to = time.UnixMicro(v).UTC()
		}
	case time.Time:
		*i.to = v.UTC()
	case string:
		t, err := time.Parse("2006-01-02 15:04:05.999999999", v)
		if err != nil {
			return errors.New("want a time, have another text")
		}
		*i.to = t
	default:
		return fmt.Errorf("want a time, have %T", v)
	}
	return nil
}

// intoSecret reads 32 hex digits, with dashes or without. An empty one is an error: it would be a
// key that everybody knows.
type intoSecret struct{ to *[16]byte }

func (i intoSecret) Scan(v any) error {
	var text string
	if err := (intoText{&text}).Scan(v); err != nil {
		return err
	}
	text = strings.ReplaceAll(text, "-", "")
	if len(text) != hex.EncodedLen(len(i.to)) {
		return errors.New("the secret has not 32 hex digits")
	}
	if _, err := hex.Decode(i.to[:], []byte(text)); err != nil {
		return errors.New("the secret has not 32 hex digits") // and the digits stay out of the log
	}
	return nil
}
