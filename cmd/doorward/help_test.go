package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// doorward runs a command line inside the test, with nothing configured and nothing on standard input.
func doorward(args ...string) (code int, out, talk string) {
	var stdout, stderr bytes.Buffer
	code = run(args, &console{in: new(bytes.Buffer), out: &stdout, err: &stderr, now: time.Now})
	return code, stdout.String(), stderr.String()
}

func TestHelp(t *testing.T) {
	parser := newParser(&console{})
	pages := map[string]string{"": "", "user": "", "group": ""} // command: what its help must say
	for _, command := range parser.Model.Leaves(false) {
		path := command.Path()
		pages[path] = "    " + examples[path] + "\n"
		if _, known := examples[path]; !known {
			t.Errorf("%s has no example", path)
			continue
		}
		// An example is a command line that works, up to what the shell does.
		line, _, _ := strings.Cut(strings.TrimPrefix(examples[path], "doorward "), " <")
		ctx, err := parser.Parse(strings.Fields(line))
		if err != nil {
			t.Errorf("the example %q does not parse: %v", examples[path], err)
		} else if got := ctx.Selected().Path(); got != path {
			t.Errorf("the example %q is one of %s, want %s", examples[path], got, path)
		}
	}
	if len(examples) != len(pages)-3 {
		t.Errorf("%d examples for %d commands", len(examples), len(pages)-3)
	}
	for path, want := range pages {
		code, out, talk := doorward(append(strings.Fields(path), "--help")...)
		if code != exitDone || talk != "" || !strings.Contains(out, want) {
			t.Errorf("doorward %s --help: exit %d, %q on stderr, want exit 0 and %q in\n%s", path, code, talk, want, out)
		}
		for _, line := range strings.Split(out, "\n") {
			if utf8.RuneCountInString(line) > 80 {
				t.Errorf("doorward %s --help: longer than 80 columns: %q", path, line)
			}
		}
	}
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"", "doorward lacks a command\n  there are: serve, check, user, group, mail, migrate, backup, restore, export, openapi, version\n  try: doorward --help"},
		{"srve", "unknown command \"srve\"\n  try: doorward serve"},
		{"user shw", "unknown command \"shw\"\n  try: doorward user show"},
		{"user", "doorward user lacks a command\n  there are: add, list, show, set-password, disable, enable, sign-out, groups, grant, revoke\n  try: doorward user --help"},
		{"serve --adr 127.0.0.1:1", "unknown flag --adr\n  try: doorward serve --addr"},
		{"user show", "doorward user show lacks <user>\n  try: doorward user show --help"},
		{"user set-password 1 hunter2", "doorward user set-password takes no more arguments\n" +
			"  a password is read from a prompt or standard input\n  try: doorward user set-password --help"},
		{"user list --limit=x", "--limit: expected a valid 64 bit int but got \"x\"\n  try: doorward user list --help"},
	} {
		code, out, talk := doorward(strings.Fields(tt.line)...)
		if want := "error: " + tt.want + "\n"; code != exitUsage || talk != want || out != "" {
			t.Errorf("doorward %s = exit %d, %q, want exit %d, %q", tt.line, code, talk, exitUsage, want)
		}
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	c := &console{out: &out, cli: &flags{}}
	if err := c.table([][]string{{"id", "username", "active"}, {"1", "héloïse", "true"}, {"22", "a\x1b[31m\tb", ""}}); err != nil {
		t.Fatal(err)
	}
	want := "id  username  active\n1   héloïse   true\n22  a\ufffd[31m\ufffdb\n"
	if got := out.String(); got != want {
		t.Errorf("table = %q, want %q", got, want)
	}
}
