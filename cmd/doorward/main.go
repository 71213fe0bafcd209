// Command doorward is the server and every command of its operator, one file a subcommand.
package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/alecthomas/kong"

	"doorward/internal/config"
)

// version is the release; the build sets it.
var version = "0.1.0-dev"

// flags are those of every command.
type flags struct {
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
}

// cli is the whole command line.
type cli struct {
	flags
	Serve   serveCmd   `cmd:"" help:"Run the server."`
	Check   checkCmd   `cmd:"" help:"Say what is right and wrong with the configuration."`
	User    userCmd    `cmd:"" help:"Add, look at and change users."`
	Group   groupCmd   `cmd:"" help:"Groups, and what they let their members do."`
	Mail    mailCmd    `cmd:"" help:"Look at mails and what became of them."`
	Migrate migrateCmd `cmd:"" help:"Bring the database's schema up to date."`
	Backup  backupCmd  `cmd:"" help:"Write everything into a file, while the server runs."`
	Restore restoreCmd `cmd:"" help:"Make the database what a backup holds; signs everybody out."`
	Export  exportCmd  `cmd:"" help:"Write all users as lines of JSON, or as CSV."`
	OpenAPI openAPICmd `cmd:"" name:"openapi" help:"Print the OpenAPI document of what is mounted."`
	Version versionCmd `cmd:"" help:"Print the version."`
}

// serving is what of it a start needs: a parser of the whole takes 2 ms to build.
type serving struct {
	flags
	Serve serveCmd `cmd:""`
}

// examples are command lines to learn from, by command.
var examples = map[string]string{
	"serve":             "doorward serve --addr 127.0.0.1:8001",
	"check":             "doorward check --production",
	"migrate":           "doorward migrate --plan",
	"backup":            "doorward backup doorward-2026-11-22.backup",
	"restore":           "doorward restore --force doorward-2026-11-22.backup",
	"export":            "doorward export --format csv -o users.csv",
	"openapi":           "doorward openapi --mount djoser",
	"version":           "doorward version --json",
	"mail list":         "doorward mail list --limit 20",
	"mail retry":        "doorward mail retry 7",
	"user add":          "doorward user add --superuser ada@example.com",
	"group add":         "doorward group add editors",
	"group list":        "doorward group list --json",
	"group show":        "doorward group show editors",
	"group remove":      "doorward group remove editors",
	"group grant":       "doorward group grant --make editors blog.change_post",
	"group revoke":      "doorward group revoke editors blog.change_post",
	"group permissions": "doorward group permissions --limit 20",
	"user groups":       "doorward user groups ada@example.com --add editors",
	"user grant":        "doorward user grant ada@example.com blog.change_post",
	"user revoke":       "doorward user revoke ada@example.com blog.change_post",
	"user list":         "doorward user list --limit 20 --json",
	"user show":         "doorward user show ada@example.com",
	"user set-password": "doorward user set-password 7 < file",
	"user disable":      "doorward user disable ada@example.com",
	"user enable":       "doorward user enable ada@example.com",
	"user sign-out":     "doorward user sign-out ada@example.com",
}

// console is what a command talks to: result on out, talk on err.
type console struct {
	in  io.Reader
	out io.Writer
	err io.Writer

	environ []string
	now     func() time.Time
	cli     *flags
}

func main() {
	os.Exit(run(os.Args[1:], &console{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ(), now: time.Now}))
}

// newParser builds the command line, with an example in the help of every command.
func newParser(c *console) *kong.Kong {
	whole := &cli{}
	c.cli = &whole.flags
	parser, err := kong.New(whole, kong.Name("doorward"), kong.Writers(c.out, c.err),
		kong.Description("User accounts and authentication for single page and mobile apps."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 80}))
	if err != nil {
		panic(err) // the command line is built wrong
	}
	for _, command := range parser.Model.Leaves(false) {
		command.Detail = "Example:\n\n    " + examples[command.Path()]
	}
	return parser
}

// parseServing parses the command line of a server; nil: it is another one, or asks for help, or has a mistake,
// which is for the whole parser to tell.
func parseServing(args []string, c *console) *kong.Context {
	if !slices.Contains(args, "serve") {
		return nil
	}
	part := &serving{}
	parser, err := kong.New(part, kong.NoDefaultHelp())
	if err != nil {
		panic(err) // the command line is built wrong
	}
	ctx, err := parser.Parse(args)
	if err != nil {
		return nil
	}
	c.cli = &part.flags
	return ctx
}

func run(args []string, c *console) int {
	if ctx := parseServing(args, c); ctx != nil {
		return c.end(ctx.Run(c))
	}
	parser := newParser(c)
	done := -1
	parser.Exit = func(code int) { done = code }
	ctx, err := parser.Parse(args)
	if done >= 0 { // --help
		return done
	}
	if err != nil {
		return c.fail(usageOf(err))
	}
	return c.end(ctx.Run(c))
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
