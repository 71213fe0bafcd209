package django

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"sort"
	"strconv"
	"time"

	"doorward/internal/pattern"
)

// object is a JSON object that is taken apart key by key, letter for letter; what is left at the
// end is unknown.
type object struct {
	path    string // where it stands: "settings.JWT_AUTH"
	members map[string]json.RawMessage
	faults  *[]string
	// rest takes what is left at the end, where that is no fault; nil: it is.
	rest map[string]json.RawMessage
}

func readObject(raw json.RawMessage, path string, faults *[]string) object {
	o := object{path: path, faults: faults}
	if err := json.Unmarshal(raw, &o.members); err != nil || o.members == nil {
		o.fault("is not an object")
	}
	return o
}

func (o *object) fault(format string, args ...any) {
	path := o.path
	if path == "" {
		path = "the body"
	}
	*o.faults = append(*o.faults, path+" "+fmt.Sprintf(format, args...))
}

// faultOf is a fault of one member.
func (o *object) faultOf(key, text string) { *o.faults = append(*o.faults, o.name(key)+" "+text) }

func (o *object) name(key string) string {
	if o.path == "" {
		return key
	}
	return o.path + "." + key
}

// take decodes a member into v and reports whether it is there. No type of ours takes null.
func (o *object) take(key string, v any) bool {
	raw, ok := o.members[key]
	if !ok {
		return false
	}
	delete(o.members, key)
	if string(raw) == "null" || json.Unmarshal(raw, v) != nil {
		o.faultOf(key, "has a value of the wrong type")
		return false
	}
	return true
}

// none drops a member that is null and so says no more than a missing one, and reports whether
// there is none now.
func (o *object) none(key string) bool {
	if string(o.members[key]) == "null" {
		delete(o.members, key)
	}
	_, ok := o.members[key]
	return !ok
}

// sub takes a member that is an object itself; one that is missing is empty.
func (o *object) sub(key string) object {
	if o.none(key) {
		return object{path: o.name(key), faults: o.faults}
	}
	raw := o.members[key]
	delete(o.members, key)
	return readObject(raw, o.name(key), o.faults)
}

// seconds takes a duration: a number of seconds, or the text of Python's timedelta.
func (o *object) seconds(key string, otherwise time.Duration) time.Duration {
	var text string
	if json.Unmarshal(o.members[key], &text) == nil {
		if d, ok := parseDelta(text); ok {
			o.members[key] = json.RawMessage(strconv.FormatFloat(d.Seconds(), 'f', -1, 64))
		}
	}
	var n float64
	if !o.take(key, &n) {
		return otherwise
	}
	const most = 100 * 365 * 24 * 3600
	if n < 0 || n > most {
		o.faultOf(key, "is out of range")
		return otherwise
	}
	return time.Duration(n * float64(time.Second))
}

// delta is a timedelta as Python's str and as DjangoJSONEncoder write it: "7 days, 0:05:00", "P7DT00H05M00S".
var delta = pattern.Of(`^(?:(\d{1,6}) days?, )?(\d{1,6}):([0-5]\d):([0-5]\d(?:\.\d{1,6})?)$|^P(\d{1,6})DT(\d\d)H([0-5]\d)M([0-5]\d(?:\.\d{1,6})?)S$`)

func parseDelta(text string) (time.Duration, bool) {
	m := delta().FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	part := func(i int) float64 {
		n, _ := strconv.ParseFloat(cmp.Or(m[i], m[i+4], "0"), 64) // digits
		return n
	}
	seconds := ((part(1)*24+part(2))*60+part(3))*60 + part(4)
	const most = 100 * 365 * 24 * 3600
	return time.Duration(seconds * float64(time.Second)), seconds <= most
}

// done holds that nothing is left.
func (o *object) done() {
	if o.rest != nil {
		maps.Copy(o.rest, o.members)
		return
	}
	var left []string
	for key := range o.members {
		left = append(left, key)
	}
	sort.Strings(left)
	for _, key := range left {
		o.faultOf(key, "is not known")
	}
}
