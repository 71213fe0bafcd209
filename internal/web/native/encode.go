package native

import (
	"encoding/json"
	"strconv"
	"time"

	"doorward/internal/account"
)

// appendUser writes a user, without declared fields, at a tenth of json.Marshal's price: nothing is
// asked for as often. A memory of whole answers would save less than looking into it costs.
func appendUser(b []byte, u *account.User) []byte {
	b = append(b, `{"id":`...)
	b = strconv.AppendInt(b, u.ID, 10)
	b = appendOptional(append(b, `,"email":`...), u.Email)
	b = appendOptional(append(b, `,"username":`...), u.Username)
	b = appendText(append(b, `,"first_name":`...), u.FirstName)
	b = appendText(append(b, `,"last_name":`...), u.LastName)
	b = appendText(append(b, `,"name":`...), u.Name)
	b = appendOptional(append(b, `,"phone":`...), u.Phone)
	b = appendInstant(append(b, `,"date_joined":`...), u.DateJoined)
	b = appendInstant(append(b, `,"last_login":`...), u.LastLogin)
	return append(b, '}')
}

func appendOptional(b []byte, text string) []byte {
	if text == "" {
		return append(b, "null"...)
	}
	return appendText(b, text)
}

func appendInstant(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return append(b, "null"...)
	}
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339), '"')
}

// appendText quotes text as json.Marshal does.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(text) // a text always has JSON
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}
