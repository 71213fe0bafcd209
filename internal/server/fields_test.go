package server

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/token"
)

// planOfText is the plan of a configuration file.
func planOfText(t *testing.T, text string) (*plan, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "doorward.toml")
	if err := os.WriteFile(file, []byte("dev = true\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(config.Args{File: file})
	if err != nil {
		return nil, err
	}
	return planOf(cfg, token.Secret{}, token.Secret{})
}

// TestTheDocumentedDeclaration holds docs/fields.md to the truth: its example is loaded.
func TestTheDocumentedDeclaration(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "fields.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "```toml\n")
	example, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the page has no example")
	}
	p, err := planOfText(t, example)
	if err != nil {
		t.Fatal(err)
	}
	m := p.model
	nick, role, since := m.Extra("nickname"), m.Extra(account.Role), m.Profile("teacher").Field("since")
	if !nick.Unique || !nick.Blank || nick.Null || nick.MaxLength() != 12 || !nick.SignUp || nick.Write != account.Self || nick.Read != account.Self {
		t.Errorf("nickname: got %+v", nick)
	}
	if role.Default != account.TextValue("Student") || role.Blank || role.Write != account.Staff || !role.SignUp || !role.Claim {
		t.Errorf("role: got %+v", role)
	}
	if since.Computed != account.WhenMade || since.SignUp || m.Profile("teacher").Role != "Teacher" || m.Profile("teacher").Table != "profile_teacher" {
		t.Errorf("teacher: got %+v", m.Profile("teacher"))
	}
	if zip, dob := m.Profile("profile").Field("zip"), m.Profile("profile").Field("dob"); !zip.Required || zip.Blank || !dob.Null || dob.Required {
		t.Errorf("profile: got %+v and %+v", zip, dob)
	}
	for _, mount := range p.mounts {
		if len(mount.declared) != 1 || mount.declared[0].Name != "role" {
			t.Errorf("claims of %s: got %v, want role", mount.name, mount.declared)
		}
	}
}

func TestDeclarationsThatMakeNoSense(t *testing.T) {
	for name, tt := range map[string]struct{ text, want string }{
		"a default of another type": {"[user.fields.a]\ntype = \"integer\"\ndefault = \"x\"", "its default is no integer"},
		"a choice of nothing":       {"[user.fields.a]\ntype = \"choice\"", "a choice lacks its choices"},
		"two at once":               {"[user.fields.email]\n[user.fields.id]", "user.id"},
		"a role that nobody has":    {"[profiles.t]\nrole = \"T\"", "is no choice of the user's field role"},
		"a claim that is taken":     {"[user.fields.exp]\nclaim = true\nmax = 5", "tokens have a claim of that name"},
	} {
		_, err := planOfText(t, tt.text)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}
