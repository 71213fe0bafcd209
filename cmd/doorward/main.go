// Command doorward is the server and every command of its operator, one file a subcommand.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/store"
)

// version is the release; the build sets it.
var version = "0.1.0-dev"

// Exit codes, for scripts.
const (
	exitDone = iota
	exitFailed
	exitUsage
	exitNotFound
	exitRefused
	exitConflict
)

// cli is the whole command line.
type cli struct {
	Config      string `help:"Configuration file (default: doorward.toml, if it is there)." placeholder:"FILE"`
	Addr        string `help:"Address to listen on (default: 127.0.0.1:8000)." placeholder:"HOST:PORT"`
	Dev         *bool  `help:"Development mode: caught mail, /dev/ routes, loopback only." negatable:""`
	DatabaseURL string `help:"sqlite:PATH or postgres://… (default: sqlite:doorward.db)." placeholder:"URL"`
	KeyFile     string `help:"File of the root key (default: doorward.key)." placeholder:"FILE"`
	MailURL     string `help:"smtp://…, file:DIR, log: or catch:" placeholder:"URL"`
	PublicURL   string `help:"Where people reach the server." placeholder:"URL"`
	JSON        bool   `help:"Print results as JSON." name:"json"`
	Quiet       bool   `help:"Print results only." short:"q"`
	Yes         bool   `help:"Answer yes to every question." short:"y"`

	Serve   serveCmd   `cmd:"" help:"Run the server. Example: doorward serve --addr 127.0.0.1:8001"`
	Check   checkCmd   `cmd:"" help:"Say what is right and wrong with the configuration. Example: doorward check --production"`
	User    userCmd    `cmd:"" help:"Add, look at and change users."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date. Example: doorward migrate --plan"`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// console is what a command talks to: result on out, talk on err.
type console struct {
	in  io.Reader
	out io.Writer
	err io.Writer

	environ []string
	now     func() time.Time
	cli     *cli
}

func main() {
	os.Exit(run(os.Args[1:], &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), now: time.Now}))
}

func run(args []string, c *console) int {
	c.cli = &cli{}
	parser, err := kong.New(c.cli, kong.Name("doorward"), kong.Writers(c.out, c.err), kong.UsageOnError(),
		kong.Description("User accounts and authentication for single page and mobile apps."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}))
	if err != nil {
		panic(err) // the command line is built wrong
	}
	done := -1
	parser.Exit = func(code int) { done = code }
	ctx, err := parser.Parse(args)
	if done >= 0 { // --help
		return done
	}
	if err != nil {
		fmt.Fprintf(c.err, "error: %s\n  try: doorward --help\n", err)
		return exitUsage
	}
	if err := ctx.Run(c); err != nil {
		return c.fail(err)
	}
	return exitDone
}

// fail prints an error, three lines at most for each thing that is wrong, and picks the exit code.
func (c *console) fail(err error) int {
	if err == errSaid {
		return exitFailed
	}
	var faults config.Faults
	if errors.As(err, &faults) {
		for _, fault := range faults {
			fmt.Fprintln(c.err, "error: "+fault.Error())
		}
		return exitFailed
	}
	fmt.Fprintln(c.err, "error: "+explain(err))
	refusal := account.Refusal(err)
	switch {
	case errors.Is(err, account.ErrNotFound):
		return exitNotFound
	case errors.Is(err, account.EmailTaken), errors.Is(err, account.UsernameTaken), errors.Is(err, account.PhoneTaken):
		return exitConflict
	case refusal != nil:
		return exitRefused
	}
	return exitFailed
}

// errSaid is the error of a command that has said all there is to say.
var errSaid = errors.New("failed")

var refusals = map[account.Code]string{
	account.EmailTaken: "an account with this e-mail address exists", account.UsernameTaken: "an account with this user name exists",
	account.PhoneTaken: "an account with this phone number exists", account.Invalid: "this is not a valid value",
	account.Required: "this is missing", account.TooLong: "this is too long",
	account.PasswordSimilar: "the password is too similar to the account's other data", account.PasswordShort: "the password is too short",
	account.PasswordCommon: "the password is too common", account.PasswordNumeric: "the password consists of digits only",
	account.PasswordLong: "the password is too long", account.Busy: "the server is busy",
}

// explain says an error to the operator.
func explain(err error) string {
	var newer *store.NewerError
	if errors.As(err, &newer) {
		return newer.Error() + "\n  a newer doorward has migrated it\n  try: run that version, or restore the backup from before the upgrade"
	}
	if errors.Is(err, account.ErrNotFound) {
		return "there is no such user\n  try: doorward user list"
	}
	refusal := account.Refusal(err)
	if refusal == nil {
		return err.Error()
	}
	var words []string
	for _, p := range refusal.Problems {
		text := refusals[p.Code]
		if text == "" {
			text = string(p.Code)
		}
		if p.Field != "" && p.Field != account.Password {
			text = string(p.Field) + ": " + text
		}
		words = append(words, text)
	}
	return strings.Join(words, "; ")
}

// load reads the configuration of this call.
func (c *console) load() (*config.Config, error) {
	flags := map[string]string{}
	for key, value := range map[string]string{
		"addr": c.cli.Addr, "database_url": c.cli.DatabaseURL, "key_file": c.cli.KeyFile,
		"mail_url": c.cli.MailURL, "public_url": c.cli.PublicURL,
	} {
		if value != "" {
			flags[key] = value
		}
	}
	if c.cli.Dev != nil {
		flags["dev"] = fmt.Sprint(*c.cli.Dev)
	}
	return config.Load(config.Args{File: c.cli.Config, Environ: c.environ, Flags: flags})
}

// say talks to the operator, unless he wants results only.
func (c *console) say(format string, args ...any) {
	if !c.cli.Quiet {
		fmt.Fprintf(c.err, format+"\n", args...)
	}
}
