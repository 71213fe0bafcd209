package account

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"
)

// fullUser has something in every field, so that a field that is new and not packed shows.
func fullUser(t *testing.T) User {
	var u User
	v := reflect.ValueOf(&u).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i).Addr().Interface().(type) {
		case *string:
			*f = v.Type().Field(i).Name + " ü"
		case *bool:
			*f = true
		case *int64:
			*f = 1 << 40
		case *uint32:
			*f = 1 << 31
		case *[16]byte:
			f[0], f[15] = 1, 255
		case *Values:
			*f = fullValues()
		case *Profiles:
			*f = ProfilesOf(Profile{ID: 7, UserID: 1 << 40, Kind: "teacher", Values: fullValues()}, Profile{ID: 8, UserID: 1 << 40, Kind: "student"})
		case **ClaimedRights: // of a token that is being made
		case *time.Time:
			*f = time.UnixMicro(1_795_320_000_123_456 + int64(i)).UTC()
		default:
			t.Fatalf("field %s is a %T, of which this test knows nothing", v.Type().Field(i).Name, f)
		}
	}
	u.Password = "" // memory has no use for it
	return u
}

// fullValues has a value of each kind.
func fullValues() Values {
	fields := []Field{"bio", "age", "rate", "ok", "born", "seen", "notes", "none"}
	return ValuesFrom(fields, []Value{
		TextValue("ß"), IntegerValue(-1 << 62), DecimalValue("-1.50"), BooleanValue(true), DateValue(time.Unix(0, 0)), TimeValue(time.Unix(-9, 0)), JSONValue([]byte(`{"a":1}`)), {},
	})
}

func TestAPackedUserIsTheSameUser(t *testing.T) {
	full := fullUser(t)
	long := User{ID: 3, Name: strings.Repeat("ß", 255), Email: strings.Repeat("a", 254)}
	early := User{ID: 4, DateJoined: time.Date(1901, 1, 1, 0, 0, 0, 0, time.UTC)}
	for _, u := range []User{full, {ID: 1}, {ID: 2, IsStaff: true, SignedOut: time.UnixMicro(0).UTC()}, long, early} {
		b := packUser([]byte("others"), &hotUser{u, 1 << 63})
		var got hotUser
		got.generation = unpackUser(u.ID, append(b, "and more"...)[len("others"):], &got.user)
		if !got.user.Extra.Equal(u.Extra) || !got.user.Profiles.Equal(u.Profiles) {
			t.Errorf("declared: got %+v, want %+v", got.user, u)
		}
		u.Extra, u.Profiles = got.user.Extra, got.user.Profiles // packed, and not to be compared deeply
		if !reflect.DeepEqual(got.user, u) || got.generation != 1<<63 {
			t.Errorf("got:  %+v\nwant: %+v", got, u)
		}
	}
}

func TestAShelfIsBoundedAndKeepsWhoIsAskedFor(t *testing.T) {
	u := &newHot(nil).users[0]
	const popular = 1
	keep := func(id int64) {
		u.known.keep(&hotUser{User{ID: id, Email: fmt.Sprintf("reader%d@bench.example", id)}, 1})
	}
	keep(popular)
	for id := int64(2); id < 20_000; id++ {
		keep(id)
		if id%100 == 0 && !u.get(popular, 1, new(User)) {
			t.Fatalf("after %d others the user that all ask for is gone", id)
		}
	}
	if n := len(u.known.young.bytes) + len(u.known.old.bytes); n > shelfBytes+1024 {
		t.Errorf("got %d bytes, want %d at most", n, shelfBytes)
	}
	if n := len(u.known.young.at) + len(u.known.old.at); n < 1000 || n > 10_000 {
		t.Errorf("got %d users, want some thousands", n)
	}
	if u.get(2, 1, new(User)) {
		t.Error("a user that nobody asked for is still there")
	}
	for _, id := range []int64{popular, 19_999} {
		u.forget(id)
		if u.get(id, 1, new(User)) {
			t.Errorf("user %d was forgotten and is there", id)
		}
	}
	keep(popular)
	if u.get(popular, 2, new(User)) {
		t.Error("a user of another generation was given")
	}
}

// BenchmarkHotUsers says what users cost in memory, and a collection of it.
func BenchmarkHotUsers(b *testing.B) {
	for _, users := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprint(users), func(b *testing.B) {
			for b.Loop() {
				before := heap()
				h := newHot(nil)
				for id := range int64(users) {
					shard := h.usersOf(id)
					shard.known.keep(&hotUser{User{ID: id, Email: fmt.Sprintf("reader%d@bench.example", id), Name: "Ann Example", IsActive: true}, 1})
				}
				known := 0
				for i := range h.users {
					known += len(h.users[i].known.young.at) + len(h.users[i].known.old.at)
				}
				b.ReportMetric(float64(heap()-before)/float64(known), "bytes/user")
				b.ReportMetric(float64(known), "users-kept")
				begin := time.Now()
				runtime.GC()
				b.ReportMetric(float64(time.Since(begin).Microseconds()), "us/collection")
				runtime.KeepAlive(h)
			}
		})
	}
}
