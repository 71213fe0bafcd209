package drf

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"doorward/internal/account"
)

// Places of a Word that are no fields.
const (
	OnDetail   = "(detail)"  // {"detail": "…"}
	OnNonField = nonFieldKey // {"non_field_errors": ["…"]}
	OnList     = "(list)"    // ["…"]
)

// Word is what a dialect says for a code, and where.
type Word struct {
	// Field is the member that says it, or one of the places; "" is the problem's own field, and
	// where it has none, OnNonField for a 400 and OnDetail for all else.
	Field string
	// Text may hold {label} and {limit} of the problem; "" is the text of the default table.
	Text   string
	Status int // 0: 400
}

// Words are a dialect's words for the codes of the domain.
type Words map[account.Code]Word

// defaults are the words of Django's password validators and of DRF's own fields.
var defaults = Words{
	account.PasswordSimilar: {Text: "The password is too similar to the {label}."},
	account.PasswordShort:   {Text: "This password is too short. It must contain at least {limit} characters."},
	account.PasswordCommon:  {Text: "This password is too common."},
	account.PasswordNumeric: {Text: "This password is entirely numeric."},
	account.PasswordLong:    {Text: "Ensure this field has no more than {limit} characters."},
	account.TooLong:         {Text: "Ensure this field has no more than {limit} characters."},
	account.Required:        {Text: "This field is required."},
	account.Null:            {Text: "This field may not be null."},
	account.Blank:           {Text: "This field may not be blank."},
	account.ReadOnly:        {Text: "This field is read-only."},
	account.TooShort:        {Text: "Ensure this field has at least {limit} characters."},
	account.TooBig:          {Text: "Ensure this value is less than or equal to {limit}."},
	account.TooSmall:        {Text: "Ensure this value is greater than or equal to {limit}."},
	account.TooManyDigits:   {Text: "Ensure that there are no more than {limit} digits in total."},
	account.TooManyPlaces:   {Text: "Ensure that there are no more than {limit} decimal places."},
	account.TooManyWhole:    {Text: "Ensure that there are no more than {limit} digits before the decimal point."},
	account.NotChoice:       {Text: `"{label}" is not a valid choice.`},
	account.NoMatch:         {Text: "Enter a valid value."},
	account.Taken:           {Text: "This field must be unique."},
	account.Invalid:         {Text: "Enter a valid value."},
	account.WrongType:       {Text: "Enter a valid value."},
	account.Unknown:         {Text: "There is no such field."},
	account.NotOfRole:       {Text: "This profile belongs to another role."},
	account.ProfileExists:   {Text: "This profile already exists."},
	account.NotIndexed:      {Text: "Users cannot be searched by this field."},
	account.TooMany:         {Field: OnDetail, Text: "There are more than {limit} of them, and this list has no pages."},
	account.NoSuchUser:      {Field: OnDetail, Text: "Not found.", Status: http.StatusNotFound},
	account.Outranked:       {Field: OnDetail, Text: "You do not have permission to perform this action.", Status: http.StatusForbidden},
	account.ProfileNone:     {Field: OnDetail, Text: "Not found.", Status: http.StatusNotFound},
	account.Unavailable:     {Field: OnDetail, Text: "Service temporarily unavailable, try again later.", Status: http.StatusServiceUnavailable},
	account.Busy:            {Field: OnDetail, Text: "The server is busy, try again later.", Status: http.StatusServiceUnavailable},
}

// Explain turns a refusal of the domain into a *Failure that tells all its problems, in order. An
// error that is no refusal, or has a code that neither w nor the default table knows, comes back
// as it is. The first problem settles the status.
func (w Words) Explain(err error) error {
	refusal := account.Refusal(err)
	if refusal == nil || len(refusal.Problems) == 0 {
		return err
	}
	var f Failure
	var fields Object
	var bare []string
	for i, p := range refusal.Problems {
		word, ok := w.of(p)
		if !ok {
			return err
		}
		if i == 0 {
			f.Status = word.Status
		}
		switch word.Field {
		case OnDetail:
			return retry(Detail(word.Status, word.Text), refusal.RetryAfter)
		case OnList:
			bare = append(bare, word.Text)
		default:
			fields = fields.within(p.Profile, word.Field, word.Text)
		}
	}
	if f.Body = fields; bare != nil {
		f.Body = bare
	}
	return retry(&f, refusal.RetryAfter)
}

// Texts are the texts of a refusal alone, for who puts them under a field himself. An error that Explain leaves as it
// is comes back.
func (w Words) Texts(err error) (texts []string, _ error) {
	refusal := account.Refusal(err)
	if refusal == nil {
		return nil, err
	}
	for _, p := range refusal.Problems {
		word, ok := w.of(p)
		if !ok || word.Status != http.StatusBadRequest {
			return nil, w.Explain(err)
		}
		texts = append(texts, word.Text)
	}
	return texts, nil
}

// of returns the word for p with nothing left open.
func (w Words) of(p account.Problem) (Word, bool) {
	word, ok := w[p.Code]
	fallback, known := defaults[p.Code]
	switch {
	case !ok:
		word = fallback
	case word.Text == "":
		word.Text = fallback.Text
	}
	if word.Status == 0 {
		word.Status = http.StatusBadRequest
	}
	if word.Field == "" {
		word.Field = string(p.Field)
	}
	if word.Field == "" && p.Profile == "" {
		word.Field = OnDetail
		if word.Status == http.StatusBadRequest {
			word.Field = OnNonField
		}
	}
	if strings.IndexByte(word.Text, '{') >= 0 {
		word.Text = strings.NewReplacer("{label}", p.Label, "{limit}", strconv.Itoa(p.Limit)).Replace(word.Text)
		if p.Limit == 1 { // Django's ngettext
			word.Text = strings.Replace(word.Text, "1 characters", "1 character", 1)
		}
	}
	return word, ok || known
}

// with returns o with one more text for a field.
func (o Object) with(field, text string) Object {
	for i := range o {
		if texts, ok := o[i].Value.([]string); ok && o[i].Name == field {
			o[i].Value = append(texts, text)
			return o
		}
	}
	return append(o, Member{field, []string{text}})
}

// retry adds when to come back to what is shed: whole seconds, one at least.
func retry(f *Failure, after time.Duration) *Failure {
	if f.Status == http.StatusServiceUnavailable || f.Status == http.StatusTooManyRequests {
		seconds := max(1, int64((after+time.Second-1)/time.Second))
		f.Header = http.Header{"Retry-After": {strconv.FormatInt(seconds, 10)}}
	}
	return f
}
