package password

import (
	"strings"
	"unicode/utf8"
)

// resembles finds the first attribute that password is too like, and its label. Words of a value
// are looked at before the whole.
func resembles(password string, about []Attribute, most float64) (label string, ok bool) {
	l := countLetters(lower(password))
	for _, a := range about {
		if a.Value == "" {
			continue
		}
		value := lower(a.Value)
		for part := range words(value) {
			if l.like(part, most) {
				return a.Label, true
			}
		}
		if l.like(value, most) {
			return a.Label, true
		}
	}
	return "", false
}

// words yields the parts of s between characters that are not of words, as Python's
// re.split(r'\W+', s): an empty one too before a sign at the start and after one at the end.
func words(s string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for {
			end := strings.IndexFunc(s, notOfWord)
			if end < 0 {
				yield(s)
				return
			}
			if !yield(s[:end]) {
				return
			}
			s = strings.TrimLeftFunc(s[end:], notOfWord)
		}
	}
}

// letters counts how often each character occurs in a text.
type letters struct {
	counts map[rune]int
	total  int
}

func countLetters(s string) letters {
	l := letters{counts: make(map[rune]int)}
	for _, c := range s {
		l.counts[c]++
		l.total++
	}
	return l
}

// like reports whether the quick_ratio of Python's difflib, of the counted password and value, is
// at least most: twice the letters they have in common, wherever those stand, by the letters of
// both. Its work is linear in value: a password ten times as long as value is left alone before
// anything is counted (exceeds_maximum_length_ratio in django.contrib.auth.password_validation).
func (l letters) like(value string, most float64) bool {
	length := utf8.RuneCountInString(value)
	if l.total >= 10*length && float64(length) < most/2*float64(l.total) {
		return false
	}
	if l.total+length == 0 {
		return 1 >= most
	}
	shared, used := 0, make(map[rune]int)
	for _, c := range value {
		if used[c] < l.counts[c] {
			used[c]++
			shared++
		}
	}
	return 2*float64(shared)/float64(l.total+length) >= most
}
