package language

import (
	"slices"
	"strconv"
	"strings"
)

// The bounds of an Accept-Language header that is looked at; beyond them it says nothing.
const (
	maxHeader = 500 // bytes, as Django has it
	maxTags   = 20
)

// Accepted lists the tags of an Accept-Language header (RFC 9110 §12.5.4), best first, without
// those that are refused (q=0) and "*". A header that is malformed anywhere says nothing, as in Django.
func Accepted(header string) []string {
	if header == "" || len(header) > maxHeader {
		return nil
	}
	type choice struct {
		tag     string
		quality float64
	}
	var choices []choice
	for part := range strings.SplitSeq(header, ",") {
		tag, parameters, _ := strings.Cut(strings.TrimSpace(part), ";")
		tag = strings.ToLower(strings.TrimSpace(tag))
		quality, ok := qualityOf(parameters)
		if !ok || !isTag(tag) || len(choices) == maxTags {
			return nil
		}
		choices = append(choices, choice{tag, quality})
	}
	slices.SortStableFunc(choices, func(a, b choice) int {
		switch {
		case a.quality > b.quality:
			return -1
		case a.quality < b.quality:
			return 1
		}
		return 0
	})
	var tags []string
	for _, c := range choices {
		if c.quality > 0 && c.tag != "*" {
			tags = append(tags, c.tag)
		}
	}
	return tags
}

// qualityOf reads "q=0.5"; without a parameter it is 1.
func qualityOf(parameters string) (float64, bool) {
	if parameters = strings.TrimSpace(parameters); parameters == "" {
		return 1, true
	}
	text, ok := strings.CutPrefix(strings.ToLower(parameters), "q=")
	if !ok || len(text) > len("0.000") || strings.Trim(text, "0123456789.") != "" {
		return 0, false
	}
	q, err := strconv.ParseFloat(text, 64)
	return q, err == nil && q <= 1
}

// isTag reports whether tag has the form of a language tag: parts of one to eight letters or digits.
func isTag(tag string) bool {
	if tag == "*" {
		return true
	}
	for i, part := range strings.Split(tag, "-") {
		if len(part) == 0 || len(part) > 8 || i == 0 && strings.Trim(part, "abcdefghijklmnopqrstuvwxyz") != "" ||
			strings.Trim(part, "abcdefghijklmnopqrstuvwxyz0123456789") != "" {
			return false
		}
	}
	return true
}
