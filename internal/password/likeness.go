package password

import "bytes"

// Likeness is a hash that costs what encoded costs and that no password matches, the same for all
// hashes of the same kind, cost and lengths; "" where there is nothing to check: an unusable,
// unknown or too costly one.
func Likeness(encoded string) string {
	h, err := parse(encoded)
	if err != nil || h.kind == KindUnusable {
		return ""
	}
	h.salt = bytes.Repeat([]byte("."), len(h.salt))
	h.tag = make([]byte, len(h.tag))
	return h.String()
}
