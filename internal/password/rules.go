package password

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// Rule is one of Django's password validators.
type Rule uint8

const (
	Similarity Rule = iota + 1 // UserAttributeSimilarityValidator: too like the user's own data
	MinLength                  // MinimumLengthValidator: too short
	Common                     // CommonPasswordValidator: on Django's list
	Numeric                    // NumericPasswordValidator: digits only
)

func (r Rule) String() string {
	switch r {
	case Similarity:
		return "similarity"
	case MinLength:
		return "min_length"
	case Common:
		return "common"
	case Numeric:
		return "numeric"
	}
	return "rule " + strconv.Itoa(int(r))
}

// Rules say what new passwords must be like. They match Django 3.2 and 4.2 to the letter, Python's
// ideas of lower case, blanks and digits included.
type Rules struct {
	Order         []Rule  // the rules in force, in the order of their messages
	MinLength     int     // characters (code points)
	MaxSimilarity float64 // a quick_ratio from here on is too like; 0.1 to 1, as in Django
}

// DefaultRules are those of a new Django project.
func DefaultRules() Rules {
	return Rules{Order: []Rule{Similarity, MinLength, Common, Numeric}, MinLength: 8, MaxSimilarity: 0.7}
}

// Attribute is something about the user that the password must not resemble. The label is Django's
// verbose_name: "username", "first name", "last name", "email address".
type Attribute struct{ Label, Value string }

// Violation is one broken rule.
type Violation struct {
	Rule  Rule
	Label string // Similarity: of the attribute
	Min   int    // MinLength: characters wanted
}

// Check lists the rules that password breaks, in their order; a rule says so once. About is the
// user's own data in the order to look at, nil where Django passes no user. The work is linear in
// the password (at most MaxBytes: the callers' duty) and in the attributes, whose length the callers
// bound too.
func (r Rules) Check(password string, about []Attribute) []Violation {
	var broken []Violation
	for _, rule := range r.Order {
		switch rule {
		case Similarity:
			if label, ok := resembles(password, about, r.MaxSimilarity); ok {
				broken = append(broken, Violation{Rule: rule, Label: label})
			}
		case MinLength:
			if utf8.RuneCountInString(password) < r.MinLength {
				broken = append(broken, Violation{Rule: rule, Min: r.MinLength})
			}
		case Common:
			if isCommon(password) {
				broken = append(broken, Violation{Rule: rule})
			}
		case Numeric:
			if isNumeric(password) {
				broken = append(broken, Violation{Rule: rule})
			}
		}
	}
	return broken
}

// isNumeric is Python's str.isdigit.
func isNumeric(password string) bool {
	for _, c := range password {
		if !unicode.Is(unicode.Nd, c) && !unicode.Is(otherDigits, c) {
			return false
		}
	}
	return password != ""
}
