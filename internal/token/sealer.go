package token

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Sealer writes what a token belongs to into the 32 hexadecimal digits of a SimpleJWT jti, which
// is all the room that contract has. It is one block of AES-256: 63 bits session, 16 bits each of
// epoch and generation, 8 bits kind, 16 bits salt and 9 check bits that are zero. A jti that was
// made elsewhere, such as a random uuid, passes for one of ours once in 2^9, and then names a
// session that is not there. It is no signature: the token around it has one.
type Sealer struct{ block cipher.Block }

// NewSealer makes a Sealer of a 32-byte key.
func NewSealer(key Secret) *Sealer { return &Sealer{newAES(key)} }

// newAES panics for a key that isn't 32 bytes, which Root.Key and NewSecret never give.
func newAES(key Secret) cipher.Block {
	if len(key.Bytes()) != 32 {
		panic("token: not a 32-byte key")
	}
	block, err := aes.NewCipher(key.Bytes())
	if err != nil {
		panic("token: " + err.Error())
	}
	return block
}

// Sealed is what a jti of ours says.
type Sealed struct {
	Session           int64
	Epoch, Generation uint16 // the low bits of counters
	Kind              uint8
	Salt              uint16 // tells the tokens of one session, epoch, generation and kind apart
}

// Seal gives the jti of a token, the same one every time. It panics for a negative session, of
// which there are none.
func (s *Sealer) Seal(t Sealed) string {
	mustBeSession(t.Session)
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(t.Session))
	binary.BigEndian.PutUint16(b[8:], t.Epoch)
	binary.BigEndian.PutUint16(b[10:], t.Generation)
	binary.BigEndian.PutUint16(b[12:], t.Salt)
	b[14] = t.Kind
	s.block.Encrypt(b[:], b[:])
	return hex.EncodeToString(b[:])
}

// Open reads a jti that Seal wrote, and reports false for nearly any other text.
func (s *Sealer) Open(jti string) (t Sealed, ok bool) {
	var b [aes.BlockSize]byte
	if len(jti) != hex.EncodedLen(len(b)) || strings.ContainsAny(jti, "ABCDEF") {
		return Sealed{}, false
	}
	if _, err := hex.Decode(b[:], []byte(jti)); err != nil {
		return Sealed{}, false
	}
	s.block.Decrypt(b[:], b[:])
	if b[0]&0x80 != 0 || b[15] != 0 {
		return Sealed{}, false
	}
	return Sealed{
		Session: int64(binary.BigEndian.Uint64(b[:])),
		Epoch:   binary.BigEndian.Uint16(b[8:]), Generation: binary.BigEndian.Uint16(b[10:]),
		Salt: binary.BigEndian.Uint16(b[12:]), Kind: b[14],
	}, true
}

func mustBeSession(session int64) {
	if session < 0 {
		panic("token: negative session id")
	}
}
