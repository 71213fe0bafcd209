package restauth

import (
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// maxPassword is what django-rest-auth's serializers take, in characters.
const maxPassword = 128

func secret(name, label string) web.Field {
	return web.Field{Name: name, Label: label, Kind: web.Secret, Required: true, Max: maxPassword}
}

// passwords are the fields of a new password and its repetition.
func passwords() []web.Field {
	return []web.Field{secret("new_password1", "New password1"), secret("new_password2", "New password2")}
}

const wrongPassword = "Your old password was entered incorrectly. Please enter it again."

// change are the fields of somebody who wants another password.
func (v *Views) change() []web.Field {
	if !v.AskPassword {
		return passwords()
	}
	old := secret("old_password", "Old password")
	old.Check = func(r *web.Request, text string) ([]string, error) {
		err := v.accounts.CheckPassword(r.Context(), r.Who, text)
		if refusal := account.Refusal(err); refusal != nil && refusal.Is(account.WrongPassword) {
			return []string{wrongPassword}, nil
		}
		return nil, err
	}
	return append([]web.Field{old}, passwords()...)
}

// told puts the codes of a password that will not do under a field.
func told(field string, words drf.Words) drf.Words {
	for _, code := range []account.Code{
		account.PasswordSimilar, account.PasswordShort, account.PasswordCommon, account.PasswordNumeric, account.PasswordLong,
	} {
		words[code] = drf.Word{Field: field}
	}
	return words
}

const secondPassword = "new_password2"

var (
	// changeWords of a lost race are those of a bad token: everything of the user was ended meanwhile.
	changeWords = told(secondPassword, drf.Words{
		account.Invalid:       {Field: secondPassword},
		account.WrongPassword: {Field: drf.OnDetail, Text: "Authentication credentials were not provided.", Status: http.StatusUnauthorized},
	})
	askedWords = told(secondPassword, drf.Words{
		account.Invalid:       {Field: secondPassword},
		account.WrongPassword: {Field: "old_password", Text: wrongPassword},
	})
	resetWords = told(secondPassword, drf.Words{
		account.Invalid:   {Field: secondPassword},
		account.LinkUser:  {Field: "uid", Text: "Invalid value"},
		account.LinkToken: {Field: "token", Text: "Invalid value"},
	})
)

// fresh is the new password of a body that repeats it.
func fresh(in drf.Values) (string, error) {
	text := in.Text("new_password1")
	if in.Text(secondPassword) != text {
		return "", drf.Invalid(secondPassword, "The two password fields didn’t match.")
	}
	return text, nil
}

func (v *Views) changePassword(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	text, err := fresh(in)
	if err != nil {
		return err
	}
	words := changeWords
	if v.AskPassword {
		words = askedWords
		err = v.accounts.ChangePassword(asking(r), v.policy, r.Who, in.Text("old_password"), text)
	} else {
		err = v.accounts.ReplacePassword(asking(r), v.policy, r.Who, text)
	}
	if err != nil {
		return words.Explain(err)
	}
	return detail(w, http.StatusOK, "New password has been saved.")
}

func (v *Views) requestReset(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := v.accounts.RequestPasswordReset(asking(r), v.policy, in.Text("email")); err != nil {
		return err
	}
	return detail(w, http.StatusOK, "Password reset e-mail has been sent.")
}

func (v *Views) reset(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	known, err := v.accounts.KnowsUID(r.Context(), v.policy, in.Text("uid"))
	if err != nil {
		return err
	}
	if !known {
		return drf.Invalid("uid", "Invalid value")
	}
	text, err := fresh(in)
	if err != nil {
		return err
	}
	if err := v.accounts.ResetPassword(asking(r), v.policy, nil, account.Link{UID: in.Text("uid"), Token: in.Text("token")}, text); err != nil {
		return resetWords.Explain(err)
	}
	return detail(w, http.StatusOK, "Password has been reset with the new password.")
}
