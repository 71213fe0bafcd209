package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"doorward/internal/django"
	"doorward/internal/server"
)

// mostSettings bounds a dump of settings, in bytes.
const mostSettings = 1 << 20

// translate prints the configuration that does what a dump of Django's settings says, and warns of what is
// not carried over. It reads no configuration and makes nothing.
func (k *checkCmd) translate(c *console) error {
	body, err := readSettings(c, k.DjangoSettings)
	if err != nil {
		return err
	}
	dump, err := django.ReadDump(body, django.Choice{Preset: k.Preset, Generation: k.Generation})
	var refused django.RefusedError
	switch {
	case errors.As(err, &refused):
		return &coded{exitRefused, err.Error()}
	case err != nil:
		what, why, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("%s cannot be translated: %s\n%s\n  try: doorward check --help", k.DjangoSettings, what, why)
	}
	t, err := server.Translate(dump)
	if err != nil {
		return err
	}
	warnings := []string{}
	for _, w := range append(dump.Warnings, t.Warnings...) {
		warnings = append(warnings, strings.Map(visible, w))
	}
	text := t.Text(filepath.Base(k.DjangoSettings))
	for _, w := range warnings {
		c.say("warning: %s", w)
	}
	if c.cli.JSON {
		return c.result(struct {
			TOML     string   `json:"toml"`
			Notes    []string `json:"notes"`
			Warnings []string `json:"warnings"`
		}{text, append([]string{}, t.Notes...), warnings}, nil)
	}
	_, err = io.WriteString(c.out, text)
	return err
}

// readSettings reads a file, or standard input.
func readSettings(c *console, name string) (body []byte, err error) {
	from := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read\n  %w\n  try: a file with the settings as JSON", name, cause(err))
		}
		defer f.Close()
		from = f
	}
	body, err = io.ReadAll(io.LimitReader(from, mostSettings+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read\n  %w\n  try: a file with the settings as JSON", name, cause(err))
	case len(body) > mostSettings:
		return nil, fmt.Errorf("%s is too long\n  it has more than %d bytes\n  try: only the settings", name, mostSettings)
	}
	return body, nil
}

// cause is an error without the path that a message names already.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
