package account

// Field names a field of the user.
type Field string

// The fields a user can have. A model says which of them its table holds.
const (
	ID          Field = "id"
	Username    Field = "username"
	Email       Field = "email"
	EmailKey    Field = "email_key" // what uniqueness of addresses is judged by; see FoldEmail
	FirstName   Field = "first_name"
	LastName    Field = "last_name"
	Name        Field = "name"
	Phone       Field = "phone"
	Language    Field = "language" // of the user's mails
	Password    Field = "password"
	IsActive    Field = "is_active"
	IsStaff     Field = "is_staff"
	IsSuperuser Field = "is_superuser"
	IsAdmin     Field = "is_admin" // one column for both: staff and superuser
	JWTSecret   Field = "jwt_secret"
	LastLogin   Field = "last_login"
	DateJoined  Field = "date_joined"
)

// Type is how a column stores its field.
type Type uint8

// The types of columns.
const (
	Text   Type = iota // text; null and '' both mean none
	Bool               // SQLite: 0 or 1
	Moment             // microseconds since 1970 UTC, as bigint: Doorward's own tables
	Stamp              // Django's datetime: text on SQLite, timestamptz on PostgreSQL
	UUID               // Django's UUIDField: 32 hex digits on SQLite, uuid on PostgreSQL
	Serial             // the primary key
)

// Column is one field of the user in one table.
type Column struct {
	Field Field
	Name  string // of the column
	Type  Type
	Label string // Django's verbose name, as messages show it: "email address"
	Max   int    // longest text, in characters; 0: unbounded
	// Unique and Null describe a table that is to be made; an existing one enforces what its own schema enforces.
	Unique bool
	Null   bool
	// From is the field whose text a new row has here that is given none; "": it has none.
	From Field
}

// Uniqueness is how the user table tells addresses apart.
type Uniqueness uint8

// Uniqueness of e-mail addresses.
const (
	Folded    Uniqueness = iota // in any case they are the same
	Exact                       // letter for letter
	NotUnique                   // one address may belong to several users
)

// Model is the user model: which table holds users, and which fields it has.
type Model struct {
	Table       string
	Noun        string // Django's verbose name of the model: "user"
	Login       Field  // Email or Username
	EmailUnique Uniqueness
	Columns     []Column
	// Extras are the fields that the operator declared beside Columns; Profiles his kinds of profile.
	Extras   []FieldSpec
	Profiles []ProfileKind
	// Django says that the table has Django's shape: its own migrations do not touch it,
	// and where it is missing it is made as Django would make it.
	Django bool
}

// Column returns the column of f, and whether the model has it.
func (m *Model) Column(f Field) (Column, bool) {
	for _, c := range m.Columns {
		if c.Field == f {
			return c, true
		}
	}
	return Column{}, false
}

// Has reports whether the model has a column for f.
func (m *Model) Has(f Field) bool {
	_, ok := m.Column(f)
	return ok
}

// Label is the name of f in messages.
func (m *Model) Label(f Field) string {
	c, ok := m.Column(f)
	if !ok || c.Label == "" {
		return string(f)
	}
	return c.Label
}

// OwnModel is Doorward's own table, which all mounts share unless the configuration names another.
func OwnModel(login Field, unique Uniqueness) *Model {
	return &Model{
		Table: "users", Noun: "user", Login: login, EmailUnique: unique,
		Columns: []Column{
			{Field: ID, Name: "id", Type: Serial, Label: "ID"},
			{Field: Username, Name: "username", Type: Text, Label: "username", Max: 150, Unique: true, Null: true},
			{Field: Email, Name: "email", Type: Text, Label: "email address", Max: 254, Null: true},
			{Field: EmailKey, Name: "email_key", Type: Text, Unique: true, Null: true},
			{Field: FirstName, Name: "first_name", Type: Text, Label: "first name", Max: 150},
			{Field: LastName, Name: "last_name", Type: Text, Label: "last name", Max: 150},
			{Field: Name, Name: "name", Type: Text, Label: "name", Max: 255},
			{Field: Phone, Name: "phone", Type: Text, Label: "phone", Max: 20, Unique: true, Null: true},
			{Field: Password, Name: "password", Type: Text, Label: "password"},
			{Field: IsActive, Name: "is_active", Type: Bool, Label: "active"},
			{Field: IsStaff, Name: "is_staff", Type: Bool, Label: "staff status"},
			{Field: IsSuperuser, Name: "is_superuser", Type: Bool, Label: "superuser status"},
			{Field: JWTSecret, Name: "jwt_secret", Type: UUID},
			{Field: LastLogin, Name: "last_login", Type: Moment, Label: "last login", Null: true},
			{Field: DateJoined, Name: "date_joined", Type: Moment, Label: "date joined"},
			{Field: Language, Name: "language", Type: Text, Label: "language", Max: 16},
		},
	}
}
