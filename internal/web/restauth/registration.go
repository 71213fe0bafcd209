package restauth

import (
	"net/http"

	"doorward/internal/account"
	"doorward/internal/web"
	"doorward/internal/web/drf"
)

// Registration is the route table of the add-on.
func (v *Views) Registration() []web.Route {
	page := web.Route{
		Op: "account_confirm_email", Path: "registration/account-confirm-email/{key}/", Access: web.Anyone, Anonymous: true, View: "Confirm Email",
		Doc: "The page that a mail leads to: it shows that an address is its owner's.",
	}
	show, confirm := page, page
	show.Method, show.Handler, show.Status = "GET", v.showKey, http.StatusOK
	confirm.Method, confirm.Handler = "POST", v.takeKey
	if confirm.Status = http.StatusOK; v.Verified != "" {
		confirm.Status = 0 // the browser is sent on
	}
	registered, status := v.entered(), v.enteredStatus(http.StatusCreated)
	if v.policy.Emails.Verify == account.VerifyFirst {
		registered, status = said, http.StatusCreated
	}
	routes := []web.Route{
		{
			Op: "rest_register", Method: "POST", Path: "registration/", Access: web.Anyone, Fresh: true, Handler: v.register, View: "Register",
			Doc: "Register a new user.", Input: v.registered(), NoSuffix: true, Output: registered, Status: status,
		},
		{
			Op: "rest_verify_email", Method: "POST", Path: "registration/verify-email/", Access: web.Anyone, Fresh: true, Handler: v.verify,
			View: "Verify Email", Doc: "Takes the key that was mailed to an address.", SaysHead: true, NoSuffix: true,
			Input: []web.Field{{Name: "key", Label: "Key", Required: true}}, Output: said, Status: http.StatusOK,
		},
		show, confirm,
	}
	if v.Newer != nil {
		return slashless(append(routes, v.resending()))
	}
	return routes
}

// registered are the fields of a registration (RegisterSerializer).
func (v *Views) registered() (fields []web.Field) {
	if col, ok := v.accounts.Model().Column(account.Username); ok {
		fields = append(fields, web.Field{
			Name: "username", Label: "Username", Required: v.NeedName, Min: 1, Max: col.Max, Check: v.checkName,
		})
	}
	return append(fields,
		web.Field{Name: "email", Label: "Email", Kind: web.Email, Required: v.NeedEmail, Check: v.checkEmail},
		web.Field{Name: "password1", Label: "Password1", Kind: web.Secret, Required: true, Check: v.checkPassword},
		web.Field{Name: "password2", Label: "Password2", Kind: web.Secret, Required: true})
}

func (v *Views) checkName(r *web.Request, text string) ([]string, error) {
	if !account.ValidUsername(text) {
		return []string{usernameInvalid}, nil
	}
	taken, err := v.accounts.NameTaken(r.Context(), v.policy, text)
	if taken {
		return []string{usernameTaken}, nil
	}
	return nil, err
}

// emailTaken is what is said of an address that is somebody's.
func (v *Views) emailTaken() string {
	if v.Newer != nil {
		return "User is already registered with this e-mail address."
	}
	return "A user is already registered with this e-mail address."
}

func (v *Views) checkEmail(r *web.Request, text string) ([]string, error) {
	taken, err := v.accounts.AddressTaken(r.Context(), text)
	if taken {
		return []string{v.emailTaken()}, nil
	}
	return nil, err
}

// checkPassword runs the rules that look at nothing else; with the name and the address at hand the rest follows.
func (v *Views) checkPassword(_ *web.Request, text string) ([]string, error) {
	return drf.Words{}.Texts(v.accounts.JudgePassword(v.policy, nil, text))
}

// registerWords are those for what shows at the end. dj-rest-auth says there whom a password is like.
func (v *Views) registerWords() drf.Words {
	field := "password1"
	if v.Newer != nil {
		field = drf.OnNonField
	}
	return told(field, drf.Words{
		account.UsernameTaken: {Field: "username", Text: usernameTaken},
		account.EmailTaken:    {Field: "email", Text: v.emailTaken()},
	})
}

func (v *Views) register(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if in.Text("password1") != in.Text("password2") {
		return drf.NonField("The two password fields didn't match.")
	}
	e, err := v.accounts.Enroll(asking(r), v.policy, account.NewUser{
		Username: in.Text("username"), Email: in.Text("email"), Password: in.Text("password1"),
	}, browser(v.SignUp, r))
	if err != nil {
		return v.registerWords().Explain(err)
	}
	if v.policy.Emails.Verify == account.VerifyFirst {
		return detail(w, http.StatusCreated, "Verification e-mail sent.")
	}
	return v.enter(w, r, http.StatusCreated, v.SignUp, &e)
}

var keyWords = drf.Words{account.LinkToken: {Field: drf.OnDetail, Text: "Not found.", Status: http.StatusNotFound}}

func (v *Views) verify(w http.ResponseWriter, r *web.Request) error {
	in, err := drf.Read(r)
	if err != nil {
		return err
	}
	if err := v.accounts.VerifyEmail(r.Context(), v.policy, in.Text("key")); err != nil {
		return keyWords.Explain(err)
	}
	return detail(w, http.StatusOK, "ok")
}
