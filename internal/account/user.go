package account

import (
	"time"

	"doorward/internal/token"
)

// User is one account. Text fields are empty where the table holds null or has no such column.
type User struct {
	ID        int64
	Username  string
	Email     string // as typed, its domain in lower case; mail goes to this spelling only
	FirstName string
	LastName  string
	Name      string
	Phone     string
	Language  string // of his mails, as language.Known names it; "": not said

	// Password is the stored hash in one of Django's formats; never shown, never logged.
	Password string

	IsActive    bool
	IsStaff     bool
	IsSuperuser bool

	// JWTSecret goes into the user's own signing key; renewing it ends every token made with it.
	JWTSecret [16]byte

	LastLogin  time.Time // zero: never
	DateJoined time.Time

	// Extra has every declared field of the user, Profiles those kinds of profile that he has.
	Extra    Values
	Profiles Profiles

	// Epoch counts the times that everything signed in was signed out; a token of an older one is dead.
	Epoch uint32
	// SignedOut is when that happened last; zero: never. It judges tokens that carry no epoch.
	SignedOut time.Time

	// Claimed is what a token that is being made says of what he may do; nil: nothing.
	Claimed *ClaimedRights
}

// LoginName is the text that the model signs this user in by.
func (u *User) LoginName(f Field) string {
	if f == Username && u.Username != "" {
		return u.Username
	}
	return u.Email
}

// ShownUsername is the user name, or the e-mail address of somebody who has none.
func (u *User) ShownUsername() string {
	if u.Username != "" {
		return u.Username
	}
	return u.Email
}

// Session is one signed-in device.
type Session struct {
	ID     int64 // random, 63 bits
	UserID int64
	Mount  string // the mount that opened it, or the family of mounts
	// Mark is the second that names the session in tokens without a claim for it; 0 in the others.
	Mark       int64
	Epoch      uint32
	Generation uint32 // of the refresh token that is valid now
	Created    time.Time
	Rotated    time.Time // when Generation came to be; idle time counts from here
	Expires    time.Time // never used after this
	Ended      time.Time // zero: alive
}

// StoredKey is a row of the published signing keys: the private half lies sealed.
type StoredKey struct {
	ID      string
	Sealed  []byte
	State   token.KeyState
	Created time.Time
	Until   time.Time // for a retired key: accepted until then
}
