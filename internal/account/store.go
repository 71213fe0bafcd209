package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"doorward/internal/token"
)

// ErrNotFound is what a Reader answers when no row matches.
var ErrNotFound = errors.New("no such row")

// TakenError is what a Writer answers when a value that must be unique belongs to somebody else.
// Field is empty where the database does not tell which.
type TakenError struct {
	Field   Field
	Profile string // the kind of profile that the field belongs to; "" for the user's own
}

func (e *TakenError) Error() string { return fmt.Sprintf("%s is taken", e.Field) }

// UnavailableError is what a Store answers while its database cannot be reached, read or written: the
// server is away, the disk is full. It is no fault of ours and none of the caller's: he may ask again.
// Refusal takes it for a refusal with the code Unavailable.
type UnavailableError struct {
	Err error
	// Unknown says that the answer to a commit was lost: the change may be there or not.
	Unknown bool
}

func (e *UnavailableError) Error() string {
	if e.Unknown {
		return "commit, outcome unknown: " + e.Err.Error()
	}
	return "the database is not available: " + e.Err.Error()
}

// Unwrap gives the reason.
func (e *UnavailableError) Unwrap() error { return e.Err }

// Is reports whether target is the code Unavailable.
func (e *UnavailableError) Is(target error) bool { return target == Unavailable }

// Store keeps users, sessions and keys. Hashing, mail and network stay outside Update.
type Store interface {
	// Model is the user model that the statements were compiled from.
	Model() *Model
	// View reads; each statement sees what is committed when it runs.
	View(ctx context.Context, f func(Reader) error) error
	// ViewInTurn is View for what anybody may ask for, as often as he likes: a sign-in. Where connections
	// are few it leaves most of them to who is signed in.
	ViewInTurn(ctx context.Context, f func(Reader) error) error
	// Update runs f in one transaction, durable once Update returns nil. Any error of f undoes all
	// of it. f may run again after a serialisation failure, so it keeps no state outside.
	// All doors, and the methods of what they open, answer an *UnavailableError while the database
	// is away.
	Update(ctx context.Context, f func(Writer) error) error
	// Rotate moves a live session from one generation to the next, in a transaction of its own that is durable once
	// it returns, and reports false when that was done before: by another request, or by this one, whose first
	// answer was lost. Its end moves to until; the zero time: it stays.
	Rotate(ctx context.Context, id int64, from uint32, now, until time.Time) (bool, error)
}

// Reader reads rows. All methods answer ErrNotFound, wrapped or not, when there is none.
type Reader interface {
	User(ctx context.Context, id int64) (User, error)
	// UserByLogin finds by Email (fold: by the folded key, where the table has one) or Username.
	// Where several users share an address, the one with the lowest id is found.
	UserByLogin(ctx context.Context, f Field, text string, fold bool) (User, error)
	// Taken reports whether a user has this value of Email, Username or Phone, as the table's
	// own uniqueness sees it.
	Taken(ctx context.Context, f Field, text string) (bool, error)
	// Holder is the id of the user whose row has this value of a unique declared field; profile is "" for
	// his own.
	Holder(ctx context.Context, profile string, f Field, v Value) (int64, error)
	// UserByProfile is who has the profile of this kind and id.
	UserByProfile(ctx context.Context, kind string, id int64) (User, error)
	// UsersByProfile lists who has a profile of a kind by its id, from the one after `after`.
	UsersByProfile(ctx context.Context, kind string, after int64, limit int) ([]User, error)
	// ProfileIDs lists the ids of profiles of a kind alone, from the one after `after`.
	ProfileIDs(ctx context.Context, kind string, after int64, limit int) ([]int64, error)
	// UsersByEmail finds everybody who has an address, at most limit, by id. fold finds it in any
	// spelling, as far as the table tells.
	UsersByEmail(ctx context.Context, email string, fold bool, limit int) ([]User, error)
	// UsersByUsername finds everybody whose user name is this one, at most limit, by id: in a table of Django's in any
	// case, which reads the whole of it, as Django does.
	UsersByUsername(ctx context.Context, name string, limit int) ([]User, error)
	// Users lists by id, from the one after `after`.
	Users(ctx context.Context, after int64, limit int) ([]User, error)
	// UserIDs lists ids alone, from the one after `after`.
	UserIDs(ctx context.Context, after int64, limit int) ([]int64, error)
	// Passwords lists stored passwords alone, in the order of ids, from the user after `after`.
	Passwords(ctx context.Context, after int64, limit int) ([]string, error)
	// Walk lists users in an order of an index; ErrNoIndex where there is none.
	Walk(ctx context.Context, w Walk, limit int) ([]User, error)
	Session(ctx context.Context, id int64) (Session, error)
	// SessionUser is Session and User in one statement; ErrNotFound where either is missing.
	SessionUser(ctx context.Context, id int64) (Session, User, error)
	// SessionByMark finds the session that tokens of mount name by a second.
	SessionByMark(ctx context.Context, userID int64, mount string, mark int64) (Session, error)
	// SessionsOf lists sessions of a user, at most limit, in no order that means anything.
	SessionsOf(ctx context.Context, userID int64, limit int) ([]Session, error)
	SigningKeys(ctx context.Context) ([]StoredKey, error)
	// Barred reports whether an operator disabled a user: who is inactive for another reason may activate himself.
	Barred(ctx context.Context, userID int64) (bool, error)
	// OpaqueToken finds the token of a user, OpaqueTokenByHash whose token has a hash.
	OpaqueToken(ctx context.Context, userID int64) (OpaqueToken, error)
	OpaqueTokenByHash(ctx context.Context, hash []byte) (OpaqueToken, error)
	// ClearToken finds a token by its text in the table of another program's, if there is one: then OpaqueToken and
	// InsertOpaqueToken are about that table, too.
	ClearToken(ctx context.Context, text string) (OpaqueToken, error)

	// Groups and Permissions list by id, from the one after `after`.
	Groups(ctx context.Context, after int64, limit int) ([]Group, error)
	Permissions(ctx context.Context, after int64, limit int) ([]Permission, error)
	Group(ctx context.Context, id int64) (Group, error)
	GroupByName(ctx context.Context, name string) (Group, error)
	// Permission finds a permission; of several of one name, which Django's tables may have, the one with the lowest id.
	Permission(ctx context.Context, app, codename string) (Permission, error)
	// GroupPermissions are what a group gives, UserPermissions what was granted to a user himself, and
	// PermissionsOf both and all that his groups give: texts without doubles, sorted.
	GroupPermissions(ctx context.Context, group int64, limit int) ([]string, error)
	UserPermissions(ctx context.Context, userID int64, limit int) ([]string, error)
	PermissionsOf(ctx context.Context, userID int64, limit int) ([]string, error)
	// GroupsOf are the groups that a user is in, by name.
	GroupsOf(ctx context.Context, userID int64, limit int) ([]Group, error)
	// Members lists who is in a group by id, from the one after `after`.
	Members(ctx context.Context, group, after int64, limit int) ([]User, error)
	// HasPermission reports whether PermissionsOf has a permission, IsMember whether GroupsOf has a group.
	HasPermission(ctx context.Context, userID int64, app, codename string) (bool, error)
	IsMember(ctx context.Context, userID int64, group string) (bool, error)
}

// Writer changes rows inside one transaction.
type Writer interface {
	Reader
	// InsertUser adds u (its ID, when not 0, is taken as it is), without his profiles, and returns the id. A
	// *TakenError says what clashed.
	InsertUser(ctx context.Context, u *User) (int64, error)
	// UpdateUser writes the given fields of u and no others; ErrNotFound when he is gone, *TakenError on a clash.
	UpdateUser(ctx context.Context, u *User, fields ...Field) error
	// SwapPassword replaces the hash if it is still old, and reports whether it was.
	SwapPassword(ctx context.Context, id int64, old, fresh string) (bool, error)
	// SwapLogin replaces the Username or Email if it is still old, and reports whether it was; *TakenError on a clash.
	SwapLogin(ctx context.Context, id int64, f Field, old, fresh string) (bool, error)
	// Activate makes an inactive user active, and reports whether he was inactive.
	Activate(ctx context.Context, id int64) (bool, error)
	// Bar writes what Barred reports.
	Bar(ctx context.Context, userID int64, barred bool) error
	// DeleteUser removes the user, his sessions and his state, and reports whether he was there.
	DeleteUser(ctx context.Context, id int64) (bool, error)
	// InsertProfile adds p and fills in its ID; it reports false when the user has one of its kind. A *TakenError
	// says what clashed.
	InsertProfile(ctx context.Context, p *Profile) (bool, error)
	// UpdateProfile writes the given fields of p, by its kind and UserID; ErrNotFound when it is gone.
	UpdateProfile(ctx context.Context, p *Profile, fields ...Field) error
	// DeleteProfile removes a user's profile of a kind, and reports whether there was one.
	DeleteProfile(ctx context.Context, kind string, userID int64) (bool, error)

	// RaiseEpoch signs everything of the user out, and returns the new epoch.
	RaiseEpoch(ctx context.Context, userID int64, now time.Time) (uint32, error)

	// InsertSession adds s and reports false when its mark is in use by another session of this user and mount.
	InsertSession(ctx context.Context, s *Session) (bool, error)
	// LastMark is the highest mark of a user's sessions in a mount; 0 for none.
	LastMark(ctx context.Context, userID int64, mount string) (int64, error)
	// EndSession ends a session, and reports whether it was alive.
	EndSession(ctx context.Context, id int64, now time.Time) (bool, error)
	// EndSessionUntil is EndSession, and lets the row go at until, if it would not go before.
	EndSessionUntil(ctx context.Context, id int64, now, until time.Time) (bool, error)
	// KeepSession carries a live session over into a new epoch.
	KeepSession(ctx context.Context, id int64, epoch uint32) error
	// Sweep deletes at most limit sessions that nobody can use or name any more: those that expired before t.
	Sweep(ctx context.Context, t time.Time, limit int) (int64, error)

	// InsertOpaqueToken adds t and reports false when the user has a token already.
	InsertOpaqueToken(ctx context.Context, t *OpaqueToken) (bool, error)
	// KeepOpaqueToken carries a user's token over into a new epoch.
	KeepOpaqueToken(ctx context.Context, userID int64, epoch uint32) error
	// EndClearToken takes the token of a user out of the table of another program's, where no epoch ends it.
	EndClearToken(ctx context.Context, userID int64) error
	// DeleteOpaqueToken reports whether there was one.
	DeleteOpaqueToken(ctx context.Context, userID int64) (bool, error)

	// InsertMail puts a mail into the outbox and fills in its ID. ErrOutboxFull when too many wait.
	InsertMail(ctx context.Context, m *Mail) error

	// InsertGroup adds a group and gives its id; ErrNotFound when another one has the name.
	InsertGroup(ctx context.Context, name string) (int64, error)
	// RenameGroup reports whether the group was there; *TakenError on a clash.
	RenameGroup(ctx context.Context, id int64, name string) (bool, error)
	// DeleteGroup removes a group and who was in it, and reports whether it was there.
	DeleteGroup(ctx context.Context, id int64) (bool, error)
	// InsertPermission adds p and fills in its ID; ErrNotFound when it is there.
	InsertPermission(ctx context.Context, p *Permission) error
	// DeletePermission removes every permission of p's name, from whoever had it.
	DeletePermission(ctx context.Context, p *Permission) error
	// SetMember, SetGroupPermission and SetUserPermission write what is so from now on, whatever it was before. What is
	// granted is p, what is revoked every permission of its name.
	SetMember(ctx context.Context, group, userID int64, in bool) error
	SetGroupPermission(ctx context.Context, group int64, p *Permission, granted bool) error
	SetUserPermission(ctx context.Context, userID int64, p *Permission, granted bool) error

	InsertSigningKey(ctx context.Context, k *StoredKey) error
	// MoveSigningKey changes a key's state if it is still from, and reports whether it was.
	MoveSigningKey(ctx context.Context, id string, from, to token.KeyState, until time.Time) (bool, error)
}
