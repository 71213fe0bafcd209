package drf

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"doorward/internal/account"
)

func TestWordsForCodes(t *testing.T) {
	words := Words{
		account.EmailTaken:         {Text: "user with this email address already exists."},
		account.InvalidCredentials: {Text: "Unable to log in with provided credentials."},
		account.TokenExpired:       {Text: "Signature has expired.", Status: 401},
		account.UsernameTaken:      {Field: OnList, Text: "Unable to create account."},
		account.PasswordShort:      {Field: "new_password"},
		account.WrongPassword:      {Field: "current_password", Text: "Invalid password."},
	}
	p := func(code account.Code, field account.Field) account.Problem {
		return account.Problem{Code: code, Field: field}
	}
	tests := []struct {
		name     string
		problems []account.Problem
		want     string
	}{
		{"under the problem's own field", []account.Problem{p(account.EmailTaken, account.Email)}, `400 {"email":["user with this email address already exists."]}`},
		{"under the field of the table", []account.Problem{p(account.WrongPassword, account.Password)}, `400 {"current_password":["Invalid password."]}`},
		{"without a field", []account.Problem{p(account.InvalidCredentials, "")}, `400 {"non_field_errors":["Unable to log in with provided credentials."]}`},
		{"another status is one sentence", []account.Problem{p(account.TokenExpired, "")}, `401 {"detail":"Signature has expired."}`},
		{"a bare list", []account.Problem{p(account.UsernameTaken, account.Username)}, `400 ["Unable to create account."]`},
		{"all rules of passwords, in order", []account.Problem{
			{Code: account.PasswordSimilar, Field: account.Password, Label: "email address"},
			{Code: account.PasswordLong, Field: account.Password, Limit: 128},
			p(account.PasswordCommon, account.Password), p(account.PasswordNumeric, account.Password), p(account.EmailTaken, account.Email),
		}, `400 {"password":["The password is too similar to the email address.","Ensure this field has no more than 128 characters.",` +
			`"This password is too common.","This password is entirely numeric."],"email":["user with this email address already exists."]}`},
		{"the default text under another field", []account.Problem{{Code: account.PasswordShort, Field: account.Password, Limit: 8}}, `400 {"new_password":["This password is too short. It must contain at least 8 characters."]}`},
		{"one character is no characters", []account.Problem{{Code: account.PasswordShort, Field: account.Password, Limit: 1}}, `400 {"new_password":["This password is too short. It must contain at least 1 character."]}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var f *Failure
			if err := words.Explain(fmt.Errorf("sign up: %w", &account.Error{Problems: tt.problems})); !errors.As(err, &f) {
				t.Fatalf("Explain(%v) = %v, want a failure", tt.problems, err)
			}
			w := newRecorder()
			if err := JSON(w, f.Status, f.Body); err != nil || w.answer() != tt.want {
				t.Errorf("Explain(%v)\n got %s, %v\nwant %s", tt.problems, w.answer(), err, tt.want)
			}
		})
	}
}

func TestWhatHasNoWordsComesBackAsItIs(t *testing.T) {
	for _, err := range []error{nil, errors.New("disk full"), &account.Error{}, &account.Error{Problems: []account.Problem{{Code: account.EmailTaken}, {Code: "new"}}}} {
		if got := (Words{account.EmailTaken: {Text: "taken"}}).Explain(err); got != err {
			t.Errorf("Explain(%v) = %v, want it back", err, got)
		}
	}
}

func TestADatabaseThatIsAwayIsSaidInOneSentence(t *testing.T) {
	err := fmt.Errorf("find a user: %w", &account.UnavailableError{Err: errors.New("connection refused")})
	var f *Failure
	if !errors.As(Words(nil).Explain(err), &f) || f.Status != 503 || f.Header.Get("Retry-After") != "2" {
		t.Fatalf("Explain(%v) = %+v, want 503 and Retry-After 2", err, f)
	}
	const want = "[{detail Service temporarily unavailable, try again later.}]"
	if got := fmt.Sprint(f.Body); got != want {
		t.Errorf("Explain(%v)\ngot:  %s\nwant: %s", err, got, want)
	}
}

func TestRetryAfterIsInWholeSeconds(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "1", time.Millisecond: "1", time.Second: "1", 1001 * time.Millisecond: "2", time.Minute: "60"} {
		var f *Failure
		err := Words(nil).Explain(&account.Error{Problems: []account.Problem{{Code: account.Busy}}, RetryAfter: after})
		if !errors.As(err, &f) || f.Status != 503 || f.Header.Get("Retry-After") != want {
			t.Errorf("Explain(busy for %v) = %+v, want Retry-After %s", after, f, want)
		}
	}
}
