package account

import (
	"encoding/binary"
	"time"
)

// shelfBytes is how much of users one shard keeps, in bytes: all of them 24 MiB, some 150,000 users.
const shelfBytes = 24 << 20 / hotShards

// shelf keeps users as bytes, without a pointer: the collector passes a hundred thousand of them by.
// It has two halves. When the young one is full it becomes the old one, and what nobody asked for
// in that one is gone.
type shelf struct{ young, old half }

type half struct {
	at    map[int64]uint32 // where a user begins
	bytes []byte
}

// hotUser is a user as his row was when no other program had changed the database since generation.
type hotUser struct {
	user       User
	generation uint64
}

// get writes a user to u, with the generation of his row, and says whether he is in the half that goes next.
func (s *shelf) get(id int64, u *User) (generation uint64, old, ok bool) {
	at, ok := s.young.at[id]
	if ok {
		return unpackUser(id, s.young.bytes[at:], u), false, true
	}
	if at, ok = s.old.at[id]; ok {
		return unpackUser(id, s.old.bytes[at:], u), true, true
	}
	return 0, false, false
}

func (s *shelf) keep(known *hotUser) {
	s.drop(known.user.ID)
	if len(s.young.bytes) > shelfBytes/2 {
		s.young, s.old = half{}, s.young
	}
	if s.young.at == nil {
		s.young.at = map[int64]uint32{}
	}
	s.young.at[known.user.ID] = uint32(len(s.young.bytes))
	s.young.bytes = packUser(s.young.bytes, known)
}

// drop forgets a user. His bytes go with their half.
func (s *shelf) drop(id int64) {
	delete(s.young.at, id)
	delete(s.old.at, id)
}

// The flags of a packed user.
const (
	packedActive = 1 << iota
	packedStaff
	packedSuperuser
	packedLastLogin // there is one
	packedDateJoined
	packedSignedOut
)

// packUser appends a user without his password. Times are of microseconds, as the database has them.
func packUser(b []byte, known *hotUser) []byte {
	u := &known.user
	var flags byte
	for i, set := range [...]bool{u.IsActive, u.IsStaff, u.IsSuperuser, !u.LastLogin.IsZero(), !u.DateJoined.IsZero(), !u.SignedOut.IsZero()} {
		if set {
			flags |= 1 << i
		}
	}
	b = append(b, flags)
	b = append(b, u.JWTSecret[:]...)
	b = binary.LittleEndian.AppendUint64(b, known.generation)
	b = binary.LittleEndian.AppendUint32(b, u.Epoch)
	for _, t := range [...]time.Time{u.LastLogin, u.DateJoined, u.SignedOut} {
		if !t.IsZero() {
			b = binary.LittleEndian.AppendUint64(b, uint64(t.UnixMicro()))
		}
	}
	texts := [...]string{u.Username, u.Email, u.FirstName, u.LastName, u.Name, u.Phone, u.Language, string(packValues(nil, u.Extra)), packProfiles(u.Profiles)}
	for _, text := range texts {
		b = binary.AppendUvarint(b, uint64(len(text)))
	}
	for _, text := range texts {
		b = append(b, text...)
	}
	return b
}

func packProfiles(ps Profiles) string {
	var b []byte
	for _, p := range ps.All() {
		b = packText(binary.AppendVarint(b, p.ID), p.Kind)
		b = packText(b, string(packValues(nil, p.Values)))
	}
	return string(b)
}

func packValues(b []byte, vs Values) []byte {
	for f, v := range vs.All() {
		b = append(packText(b, string(f)), byte(v.kind))
		b = packText(binary.AppendVarint(b, v.number), v.text)
	}
	return b
}

func packText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

// unpackUser writes to u, which is nobody yet, what packUser has packed.
func unpackUser(id int64, b []byte, u *User) (generation uint64) {
	u.ID = id
	flags := b[0]
	u.IsActive, u.IsStaff, u.IsSuperuser = flags&packedActive != 0, flags&packedStaff != 0, flags&packedSuperuser != 0
	b = b[1+copy(u.JWTSecret[:], b[1:]):]
	generation, b = binary.LittleEndian.Uint64(b), b[8:]
	u.Epoch, b = binary.LittleEndian.Uint32(b), b[4:]
	for _, t := range [...]struct {
		flag byte
		into *time.Time
	}{{packedLastLogin, &u.LastLogin}, {packedDateJoined, &u.DateJoined}, {packedSignedOut, &u.SignedOut}} {
		if flags&t.flag != 0 {
			*t.into, b = time.UnixMicro(int64(binary.LittleEndian.Uint64(b))).UTC(), b[8:]
		}
	}
	var profiles packed
	texts := [...]*string{
		&u.Username, &u.Email, &u.FirstName, &u.LastName, &u.Name, &u.Phone, &u.Language, (*string)(&u.Extra.packed), (*string)(&profiles),
	}
	var lengths [len(texts)]int
	total := 0
	for i := range lengths {
		length, n := binary.Uvarint(b)
		lengths[i], b = int(length), b[n:]
		total += int(length)
	}
	all := string(b[:total]) // one copy, of which the fields are parts
	for i, into := range texts {
		*into, all = all[:lengths[i]], all[lengths[i]:]
	}
	u.Profiles = profiles.profiles(id)
	return generation
}

// packed is what is left to read of packed values or profiles. Its texts are parts of it: nothing is copied.
type packed string

func (p *packed) uvarint() (v uint64) {
	for i := 0; ; i++ {
		c := (*p)[i]
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			*p = (*p)[i+1:]
			return v
		}
	}
}

func (p *packed) number() int64 {
	v := p.uvarint()
	return int64(v>>1) ^ -int64(v&1) // as encoding/binary writes it
}

func (p *packed) text() string {
	length := p.uvarint()
	text := string((*p)[:length])
	*p = (*p)[length:]
	return text
}

func (p packed) profiles(userID int64) Profiles {
	if p == "" { // most users: nothing is allocated
		return Profiles{}
	}
	var list []Profile
	for p != "" {
		list = append(list, Profile{UserID: userID, ID: p.number(), Kind: p.text(), Values: Values{packed: packed(p.text())}})
	}
	return ProfilesOf(list...)
}

// next takes the next value.
func (p *packed) next() (f Field, v Value) {
	f = Field(p.text())
	v.kind = valueKind((*p)[0])
	*p = (*p)[1:]
	v.number, v.text = p.number(), p.text()
	return f, v
}
