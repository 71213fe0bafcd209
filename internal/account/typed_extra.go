package account

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"

	"doorward/internal/token"
)

// maxExtra bounds the operator's claims of a token, in bytes of JSON: every request carries them.
const maxExtra = 1024

// deflatedClaim holds extra claims: the base64url of their JSON object, deflated (RFC 1951).
const deflatedClaim = "deflated"

// bounded gives the operator's claims as a token carries them. What would make them too long is
// left out, the last ones first: nobody is locked out by a long name.
func bounded(extra []token.Claim, deflate bool) ([]token.Claim, error) {
	for n := len(extra); n > 0; n-- {
		claims, size, err := carried(extra[:n], deflate)
		if err != nil {
			return nil, err
		}
		if size <= maxExtra {
			return claims, nil
		}
	}
	return nil, nil
}

// carried gives claims as they are, or deflated into one, and how long they are.
func carried(claims []token.Claim, deflate bool) ([]token.Claim, int, error) {
	object := map[string]any{}
	for _, c := range claims {
		object[c.Name] = c.Value
	}
	text, err := json.Marshal(object)
	if err != nil {
		return nil, 0, fmt.Errorf("write extra claims: %w", err)
	}
	if !deflate {
		return claims, len(strconv.QuoteToASCII(string(text))), nil // a token escapes what is not ASCII
	}
	var packed bytes.Buffer
	w, err := flate.NewWriter(&packed, flate.BestCompression)
	if err == nil {
		_, err = w.Write(text)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, 0, fmt.Errorf("deflate extra claims: %w", err)
	}
	value := base64.RawURLEncoding.EncodeToString(packed.Bytes())
	return []token.Claim{{Name: deflatedClaim, Value: value}}, len(value), nil
}
