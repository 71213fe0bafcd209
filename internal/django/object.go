package django

import (
	"encoding/json"
	"fmt"
	"sort"
	"strings"
	"time"
)

// object is a JSON object that is taken apart key by key, letter for letter; what is left at the
// end is unknown.
type object struct {
	path    string // where it stands: "settings.JWT_AUTH"
	members map[string]json.RawMessage
	faults  *[]string
}

func readObject(raw json.RawMessage, path string, faults *[]string) object {
	o := object{path: path, faults: faults}
	if len(raw) == 0 || string(raw) == "null" {
		return o
	}
	if err := json.Unmarshal(raw, &o.members); err != nil {
		o.fault("is not an object")
	}
	return o
}

func (o *object) fault(format string, args ...any) {
	*o.faults = append(*o.faults, strings.TrimPrefix(o.path+" ", " ")+fmt.Sprintf(format, args...))
}

func (o *object) name(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// take decodes a member into v and reports whether it is there.
func (o *object) take(key string, v any) bool {
	raw, ok := o.members[key]
	if !ok {
		return false
	}
	delete(o.members, key)
	if err := json.Unmarshal(raw, v); err != nil {
		*o.faults = append(*o.faults, o.name(key)+" has a value of the wrong type")
		return false
	}
	return true
}

// sub takes a member that is an object itself.
func (o *object) sub(key string) object {
	raw := o.members[key]
	delete(o.members, key)
	return readObject(raw, o.name(key), o.faults)
}

// seconds takes a duration.
func (o *object) seconds(key string, otherwise time.Duration) time.Duration {
	var n float64
	if !o.take(key, &n) {
		return otherwise
	}
	const most = 100 * 365 * 24 * 3600
	if n < 0 || n > most {
		*o.faults = append(*o.faults, o.name(key)+" is out of range")
		return otherwise
	}
	return time.Duration(n * float64(time.Second))
}

// done holds that nothing is left.
func (o *object) done() {
	var left []string
	for key := range o.members {
		left = append(left, o.name(key))
	}
	sort.Strings(left)
	for _, name := range left {
		*o.faults = append(*o.faults, name+" is not known")
	}
}
