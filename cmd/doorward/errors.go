package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/alecthomas/kong"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/pattern"
	"doorward/internal/store"
)

// Exit codes, for scripts.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitNotFound
	exitRefused
	exitConflict
)

// errSaid is the error of a command that has said all there is to say.
var errSaid = errors.New("failed")

// usageError is a command line that says too little, too much, or something unknown.
type usageError string

// Error implements error.
func (e usageError) Error() string { return string(e) }

// coded is an error in the operator's words, with its exit code.
type coded struct {
	code int
	text string
}

// Error implements error.
func (e *coded) Error() string { return e.text }

// end is the exit code of a command that ended with err, or well.
func (c *console) end(err error) int {
	if err != nil {
		return c.fail(err)
	}
	return exitDone
}

// fail prints an error, three lines at most for each thing that is wrong, and picks the exit code.
func (c *console) fail(err error) int {
	if errors.Is(err, errSaid) {
		return exitFailed
	}
	var faults config.Faults
	if errors.As(err, &faults) {
		for _, fault := range faults {
			fmt.Fprintln(c.err, "error: "+fault.Error())
		}
		return exitFailed
	}
	text := explain(err)
	if (account.Refusal(err) == nil || errors.Is(err, account.Unavailable)) && !strings.Contains(text, "\n  try: ") {
		text += "\n  try: doorward check"
	}
	fmt.Fprintln(c.err, "error: "+text)
	return exitCode(err)
}

func exitCode(err error) int {
	var usage usageError
	var known *coded
	switch {
	case errors.As(err, &known):
		return known.code
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, account.ErrNotFound), errors.Is(err, account.NoSuchGroup), errors.Is(err, account.NoSuchPermission):
		return exitNotFound
	case errors.Is(err, account.EmailTaken), errors.Is(err, account.UsernameTaken), errors.Is(err, account.PhoneTaken),
		errors.Is(err, account.Taken), errors.Is(err, account.GroupTaken):
		return exitConflict
	case errors.Is(err, account.Unavailable):
		return exitFailed
	case account.Refusal(err) != nil:
		return exitRefused
	}
	return exitFailed
}

var refusals = map[account.Code]string{
	account.EmailTaken: "an account with this e-mail address exists", account.UsernameTaken: "an account with this user name exists",
	account.PhoneTaken: "an account with this phone number exists", account.Invalid: "this is not a valid value",
	account.Required: "this is missing", account.TooLong: "this is too long",
	account.PasswordSimilar: "the password is too similar to the account's other data", account.PasswordShort: "the password is too short",
	account.PasswordCommon: "the password is too common", account.PasswordNumeric: "the password consists of digits only",
	account.PasswordLong: "the password is too long", account.Busy: "the server is busy",
	account.Null: "this may not be null", account.Blank: "this may not be empty", account.WrongType: "this is of another type",
	account.TooShort: "this is too short", account.TooBig: "this is too big", account.TooSmall: "this is too small",
	account.TooManyDigits: "this has too many digits", account.TooManyPlaces: "this has too many digits after the point",
	account.TooManyWhole: "this has too many digits before the point", account.NotChoice: "this is none of the choices",
	account.NoMatch: "this does not have the form of its field", account.Taken: "somebody else has this value",
	account.GroupTaken: "a group with this name exists", account.PermissionTaken: "this permission exists",
	account.ReadOnly: "this cannot be set here", account.NotOfRole: "this profile belongs to another role",
}

// explain says an error to the operator: what, and where it is known why and what to try, on lines of their own.
func explain(err error) string {
	var newer *store.NewerError
	switch {
	case errors.As(err, &newer):
		return fmt.Sprintf("the database is of a newer doorward\n  its version is %d, and this doorward knows versions up to %d\n"+
			"  try: run that doorward, or restore the backup from before the upgrade", newer.Database, newer.Known)
	case errors.Is(err, store.ErrNoBackup):
		_, why, _ := strings.Cut(err.Error(), store.ErrNoBackup.Error()+": ")
		return store.ErrNoBackup.Error() + "\n  " + strings.Join(strings.Fields(why), " ") + "\n  try: more space beside the database, or doorward migrate --no-backup"
	case errors.Is(err, store.ErrNoServer):
		_, why, _ := strings.Cut(err.Error(), store.ErrNoServer.Error()+": ")
		lines := strings.SplitN(why, "\n", 3) // whom it asked, and what each attempt met
		return "PostgreSQL cannot be reached\n  " + strings.Join(strings.Fields(strings.Join(lines[:min(2, len(lines))], " ")), " ") +
			"\n  try: pg_isready, and look at database_url"
	case errors.Is(err, account.ErrNotFound):
		return "there is no such user\n  try: doorward user list"
	case errors.Is(err, account.NoSuchGroup):
		return "there is no such group\n  try: doorward group list"
	case errors.Is(err, account.NoSuchPermission):
		return "there is no such permission\n  try: doorward group permissions, or --make to make it"
	}
	if refusal := account.Refusal(err); refusal != nil && !errors.Is(err, account.Unavailable) { // an operator hears why it is away
		return refused(refusal)
	}
	text := err.Error()
	if strings.Contains(text, "\n  try: ") {
		return text
	}
	return strings.Join(strings.Fields(text), " ") // a driver may write many lines
}

func refused(refusal *account.Error) string {
	var words []string
	for _, p := range refusal.Problems {
		text := refusals[p.Code]
		if text == "" {
			text = string(p.Code)
		}
		if p.Field != "" && p.Field != account.Password {
			text = string(p.Field) + ": " + text
		}
		if p.Profile != "" {
			text = p.Profile + "." + text
		}
		words = append(words, text)
	}
	return strings.Join(words, "; ")
}

// What the parser says: an argument or a flag, and perhaps what it is near to.
var (
	unexpected = pattern.Of(`^unexpected argument (.*?)(?:, did you mean (?:one of )?"([^"]*)".*\?)?$`)
	unknown    = pattern.Of(`^(unknown flag .*?)(?:, did you mean (?:one of )?"([^"]*)".*\?)?$`)
	missing    = pattern.Of(`^expected "(<.*)"$`)
)

// usageOf says what is wrong with a command line in our own words. An argument that nobody asked
// for is not repeated: it may be a password.
func usageOf(err error) error {
	var parse *kong.ParseError
	if !errors.As(err, &parse) {
		return usageError(err.Error() + "\n  try: doorward --help")
	}
	node := parse.Context.Selected()
	if node == nil {
		node = parse.Context.Model.Node
	}
	command, text := node.FullPath(), err.Error()
	help := "\n  try: " + command + " --help"
	if m := unexpected().FindStringSubmatch(text); m != nil {
		switch {
		case len(node.Children) == 0:
			return usageError(command + " takes no more arguments\n  a password is read from a prompt or standard input" + help)
		case m[2] != "":
			return usageError(fmt.Sprintf("unknown command %q\n  try: %s %s", m[1], command, m[2]))
		}
		return usageError(fmt.Sprintf("unknown command %q", m[1]) + oneOf(node) + help)
	}
	if m := unknown().FindStringSubmatch(text); m != nil && m[2] != "" {
		return usageError(m[1] + "\n  try: " + command + " " + m[2])
	}
	if m := missing().FindStringSubmatch(text); m != nil {
		return usageError(command + " lacks " + m[1] + help)
	}
	if strings.HasPrefix(text, "expected one of") {
		return usageError(command + " lacks a command" + oneOf(node) + help)
	}
	return usageError(text + help)
}

func oneOf(node *kong.Node) string {
	var names []string
	for _, child := range node.Children {
		names = append(names, child.Name)
	}
	return "\n  there are: " + strings.Join(names, ", ")
}
