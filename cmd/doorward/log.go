package main

import (
	"io"
	"log/slog"

	"doorward/internal/config"
	"doorward/internal/journal"
)

// newJournal writes JSON lines, or at a terminal lines for people.
func newJournal(w io.Writer, c config.Log) *journal.Journal {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // the configuration was checked
	format := journal.JSON
	if c.Format == "text" || (c.Format == "auto" && isTerminal(w)) {
		format = journal.Text
	}
	return journal.New(w, format, level)
}
