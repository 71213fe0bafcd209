//go:build linux

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// report prints the tables, and writes the files that were asked for.
func (b *bench) report(out io.Writer) error {
	if len(b.rows) == 0 {
		return nil
	}
	text := b.markdown()
	if _, err := io.WriteString(out, text); err != nil {
		return err
	}
	if b.out != "" {
		if err := os.WriteFile(b.out, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if b.json == "" {
		return nil
	}
	data, err := json.MarshalIndent(map[string]any{
		"mode": b.mode, "pace": b.pace, "machine": b.machine, "notes": b.notes, "rows": b.rows,
	}, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.json, append(data, '\n'), 0o644)
}

func (b *bench) markdown() string {
	var t strings.Builder
	m := &b.machine
	fmt.Fprintf(&t, "Measured %s by `go run ./bench`, mode %s: %d repeats, windows of %v. %s, %d cores, %d MiB, Linux %s, %s", m.Date, b.mode,
		b.Repeats, b.Window, m.CPU, m.Cores, m.MemoryMiB, m.Kernel, m.Go)
	if m.PostgreSQL != "" {
		fmt.Fprintf(&t, ", PostgreSQL %s", m.PostgreSQL)
	}
	fmt.Fprintf(&t, "; load before the run %.2f. Server (and PostgreSQL, whose CPU counts) on one core, load on another.\n", m.LoadBefore)
	if b.mode == "short" {
		t.WriteString("\n**A short run: it shows that the program works; its figures mean little.**\n")
	}
	for _, n := range b.notes {
		fmt.Fprintf(&t, "\nNote: %s.\n", n)
	}
	t.WriteString("\n| workload | engine | Doorward | beside it | ratio | answers a second | p50 ms | p99 ms | target | met |\n" +
		"|---|---|---|---|---|---|---|---|---|---|\n")
	for _, r := range b.rows {
		fmt.Fprintf(&t, "| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n", r.What, r.Engine, unit(ranged(r.Ours), r.Unit), r.beside(),
			ranged(r.Ratio), known(r.Rate), known(r.P50), known(r.P99), dash(r.Target), r.verdict())
	}
	t.WriteString("\nMedian [lowest–highest] of the repeats; ratios are taken within a repeat.\n")
	for _, r := range b.rows {
		if r.Note != "" {
			fmt.Fprintf(&t, "* %s, %s: %s.\n", r.What, r.Engine, r.Note)
		}
	}
	fmt.Fprintf(&t, "\nThe run took %v.\n", time.Duration(nanos()).Round(time.Second))
	return t.String()
}

func (r *row) beside() string {
	if r.Than == "" || r.Beside.N == 0 {
		return "–"
	}
	return r.Than + " " + ranged(r.Beside)
}

func (r *row) verdict() string {
	switch {
	case r.Met == nil:
		return "–"
	case *r.Met:
		return "yes"
	}
	return "**no**"
}

// brief is the row on one line, while the run goes on.
func (r *row) brief() string {
	text := unit(ranged(r.Ours), r.Unit)
	if r.Ratio.N > 0 {
		text += ", " + ranged(r.Ratio) + " × " + r.Than
	}
	if r.Rate.Median > 0 {
		text += ", " + figure(r.Rate.Median) + "/s"
	}
	if r.P99.Median > 0 {
		text += ", p50 " + figure(r.P50.Median) + " p99 " + figure(r.P99.Median) + " ms"
	}
	if r.Met != nil && !*r.Met {
		text += ", misses " + r.Target
	}
	if r.Note != "" {
		text += " (" + r.Note + ")"
	}
	return text
}

func ranged(s spread) string {
	switch s.N {
	case 0:
		return "–"
	case 1:
		return figure(s.Median)
	}
	return fmt.Sprintf("%s [%s–%s]", figure(s.Median), figure(s.Low), figure(s.High))
}

// known is a range that is not all zero, as it is where nothing of the kind was measured.
func known(s spread) string {
	if s.High == 0 {
		return "–"
	}
	return ranged(s)
}

func unit(text, unit string) string {
	if text == "–" {
		return text
	}
	return text + " " + unit
}

func dash(text string) string {
	if text == "" {
		return "–"
	}
	return text
}

// figure writes three digits that count, and whole numbers with commas.
func figure(v float64) string {
	if math.Abs(v) >= 1000 {
		digits := strconv.FormatInt(int64(math.Round(v)), 10)
		for i := len(digits) - 3; i > 0 && digits[i-1] != '-'; i -= 3 {
			digits = digits[:i] + "," + digits[i:]
		}
		return digits
	}
	decimals := 2
	for x := math.Abs(v); x >= 10 && decimals > 0; x /= 10 {
		decimals--
	}
	return strconv.FormatFloat(v, 'f', decimals, 64)
}
