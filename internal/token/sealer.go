package token

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/binary"
	"encoding/hex"
	"strings"
)

// Sealer writes a session id and an epoch into the 32 hexadecimal digits of a SimpleJWT jti, which
// is all the room that contract has. It is one block of AES-256: 63 bits session, 32 bits epoch and
// 33 check bits that are zero. A jti that was made elsewhere, such as a random uuid, passes for one
// of ours once in 2^33. It is no signature: the token around it has one.
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

// Seal gives the jti of a session at an epoch, the same one every time. It panics for a negative
// session, of which there are none.
func (s *Sealer) Seal(session int64, epoch uint32) string {
	mustBeSession(session)
	var b [aes.BlockSize]byte
	binary.BigEndian.PutUint64(b[:], uint64(session))
	binary.BigEndian.PutUint32(b[8:], epoch)
	s.block.Encrypt(b[:], b[:])
	return hex.EncodeToString(b[:])
}

// Open reads a jti that Seal wrote, and reports false for any other text.
func (s *Sealer) Open(jti string) (session int64, epoch uint32, ok bool) {
	var b [aes.BlockSize]byte
	if len(jti) != hex.EncodedLen(len(b)) || strings.ContainsAny(jti, "ABCDEF") {
		return 0, 0, false
	}
	if _, err := hex.Decode(b[:], []byte(jti)); err != nil {
		return 0, 0, false
	}
	s.block.Decrypt(b[:], b[:])
	session, epoch = int64(binary.BigEndian.Uint64(b[:])), binary.BigEndian.Uint32(b[8:])
	if session < 0 || binary.BigEndian.Uint32(b[12:]) != 0 {
		return 0, 0, false
	}
	return session, epoch, true
}

func mustBeSession(session int64) {
	if session < 0 {
		panic("token: negative session id")
	}
}
