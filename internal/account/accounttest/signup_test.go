package accounttest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/password"
)

func ann(change func(*account.NewUser)) account.NewUser {
	n := account.NewUser{Email: "ann@example.com", Password: secret}
	if change != nil {
		change(&n)
	}
	return n
}

// told is what a refusal says, problem by problem.
func told(err error) string {
	refusal := account.Refusal(err)
	if refusal == nil {
		return fmt.Sprint(err)
	}
	var all []string
	for _, p := range refusal.Problems {
		text := string(p.Field) + " " + string(p.Code)
		if p.Label != "" {
			text += " " + p.Label
		}
		if p.Limit != 0 {
			text += fmt.Sprint(" ", p.Limit)
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

func TestSignUpRefusals(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	long := strings.Repeat("x", password.MaxBytes+1)
	for _, tt := range []struct {
		name   string
		change func(*account.NewUser)
		want   string
	}{
		{"nothing at all", func(n *account.NewUser) { *n = account.NewUser{} }, "email required, password required"},
		{"no address", func(n *account.NewUser) { n.Email = "" }, "email required"},
		{"no password", func(n *account.NewUser) { n.Password = "" }, "password required"},
		{"a wrong address and no password", func(n *account.NewUser) { n.Email, n.Password = "ann", "" }, "email invalid, password required"},
		{"a wrong address and a weak password", func(n *account.NewUser) { n.Email, n.Password = "ann", "1" }, "email invalid"},
		{"an address with NUL", func(n *account.NewUser) { n.Email = "\"a\x00\"@example.com" }, "email invalid"},
		{"an address of 255 characters", func(n *account.NewUser) { n.Email = strings.Repeat("a", 243) + "@example.com" }, "email too_long 254"},
		{"an address that is longer as it is kept", func(n *account.NewUser) { n.Email = "a@" + strings.Repeat("İ.", 126) + "c" }, "email invalid"},
		{"a user name with NUL", func(n *account.NewUser) { n.Username = "a\x00b" }, "username invalid"},
		{"a user name that is no UTF-8", func(n *account.NewUser) { n.Username = "a\xff" }, "username invalid"},
		{"a user name of 151 characters", func(n *account.NewUser) { n.Username = strings.Repeat("ä", 151) }, "username too_long 150"},
		{"a user name that is longer as it is kept", func(n *account.NewUser) { n.Username = strings.Repeat("\uFDFA", 9) }, "username too_long 150"}, // 18 each
		{"names that are too long", func(n *account.NewUser) {
			n.FirstName, n.LastName, n.Name, n.Phone = strings.Repeat("x", 151), strings.Repeat("x", 151), strings.Repeat("x", 256), strings.Repeat("1", 21)
		}, "first_name too_long 150, last_name too_long 150, name too_long 255, phone too_long 20"},
		{"names that are no text", func(n *account.NewUser) {
			n.FirstName, n.LastName, n.Name, n.Phone = "\xff", "\x00", "a\xc3", "\x00"
		}, "first_name invalid, last_name invalid, name invalid, phone invalid"},
		{"a password like the address", func(n *account.NewUser) { n.Email, n.Password = "marguerite@example.com", "marguerite9" }, "password password_too_similar email address"},
		{"a password like the user name", func(n *account.NewUser) { n.Username, n.Password = "marguerite", "marguerite9" }, "password password_too_similar username"},
		{"a password like the first name", func(n *account.NewUser) { n.FirstName, n.Password = "Marguerite", "marguerite9" }, "password password_too_similar first name"},
		{"a password like the last name", func(n *account.NewUser) { n.LastName, n.Password = "Marguerite", "marguerite9" }, "password password_too_similar last name"},
		{"a password like two of them", func(n *account.NewUser) {
			n.Email, n.Username, n.Password = "marguerite@example.com", "marguerite", "marguerite9"
		}, "password password_too_similar username"},
		{"a short password", func(n *account.NewUser) { n.Password = "Xk9-_qZ" }, "password password_too_short 8"},
		{"a common password", func(n *account.NewUser) { n.Password = "trustno1" }, "password password_too_common"},
		{"a password of digits", func(n *account.NewUser) { n.Password = "8467290174625" }, "password password_entirely_numeric"},
		{
			"a password that breaks three rules", func(n *account.NewUser) { n.Password = "1234567" },
			"password password_too_short 8, password password_too_common, password password_entirely_numeric",
		},
		{"a password of 4097 bytes", func(n *account.NewUser) { n.Password = long }, "password password_too_long 4096"},
		{"a password of 4097 bytes in fewer characters", func(n *account.NewUser) { n.Password = strings.Repeat("ä", 2048) + "x" }, "password password_too_long 4096"},
		{"a password with NUL", func(n *account.NewUser) { n.Password = secret + "\x00" }, "password invalid"},
		{"a password that is no UTF-8", func(n *account.NewUser) { n.Password = secret + "\xff" }, "password invalid"},
	} {
		jobs := w.jobs(func() {
			_, err := w.SignUp(ctx, native(), ann(tt.change))
			if got := told(err); got != tt.want {
				t.Errorf("%s: SignUp: %s, want %s", tt.name, got, tt.want)
			}
			if _, err = w.Register(ctx, native(), ann(tt.change)); told(err) != tt.want {
				t.Errorf("%s: Register: %s, want %s", tt.name, told(err), tt.want)
			}
		})
		if jobs != 0 {
			t.Errorf("%s: %d hashes, want none", tt.name, jobs)
		}
	}
	if n := w.count(t, "select count(*) from users") + w.count(t, "select count(*) from sessions"); n != 0 {
		t.Errorf("%d rows after nothing but refusals, want 0", n)
	}
}

func TestSignUpKeeps(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	n := account.NewUser{
		Email: "Ann.B@EXAMPLE.Com", Username: "ｆｕｌｌ", FirstName: " Ann ", LastName: "B", Name: "Ann B", Phone: "+49 1",
		Password: strings.Repeat("Zä", 1365) + "q", // 4096 bytes
	}
	if len(n.Password) != password.MaxBytes {
		t.Fatalf("the password has %d bytes", len(n.Password))
	}
	u, err := w.SignUp(ctx, native(), n)
	if err != nil {
		t.Fatal(err)
	}
	got := w.user(t, u.ID)
	if got.Email != "Ann.B@example.com" || got.Username != "full" || got.FirstName != " Ann " || got.Phone != "+49 1" {
		t.Errorf("kept %q %q %q %q", got.Email, got.Username, got.FirstName, got.Phone)
	}
	if !got.IsActive || got.IsStaff || got.IsSuperuser || got.Epoch != 0 || !got.LastLogin.IsZero() {
		t.Errorf("flags of %+v", got)
	}
	if secret := got.JWTSecret; secret[6]>>4 != 4 || secret[8]>>6 != 2 || secret != u.JWTSecret {
		t.Errorf("jwt_secret %x is no version 4 UUID, or not the one told: %x", secret, u.JWTSecret)
	}
	if password.Identify(got.Password) != password.KindArgon2 {
		t.Errorf("the password rests as %q", got.Password)
	}
	if _, err := w.SignIn(ctx, native(), account.Credentials{Login: "ann.b@example.com", Password: n.Password}); err != nil {
		t.Errorf("sign in with 4096 bytes: %v", err)
	}
	boss, err := w.SignUp(ctx, native(), account.NewUser{Email: "boss@example.com", Password: secret, Superuser: true})
	if got := w.user(t, boss.ID); err != nil || !got.IsStaff || !got.IsSuperuser {
		t.Errorf("a superuser: staff %v, superuser %v (%v), want both", got.IsStaff, got.IsSuperuser, err)
	}
}

func TestSignUpClashes(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	w.add(t, "Ann@example.com", func(u *account.User) { u.Username, u.Phone = "ann", "+1" })
	for _, tt := range []struct {
		name   string
		change func(*account.NewUser)
		want   string
	}{
		{"the address", func(n *account.NewUser) { n.Email = "Ann@example.com" }, "email email_taken"},
		{"the address in small letters", nil, "email email_taken"},
		{"the address in capitals", func(n *account.NewUser) { n.Email = "ANN@EXAMPLE.COM" }, "email email_taken"},
		{"the user name", func(n *account.NewUser) { n.Email, n.Username = "bob@example.com", "ann" }, "username username_taken"},
		{"the user name as it is kept", func(n *account.NewUser) { n.Email, n.Username = "bob@example.com", "ａnn" }, "username username_taken"},
		{"the phone", func(n *account.NewUser) { n.Email, n.Phone = "bob@example.com", "+1" }, "phone phone_taken"},
		{"nothing", func(n *account.NewUser) { n.Email, n.Username, n.Phone = "bob@example.com", "Ann", "+2" }, "<nil>"},
	} {
		for _, f := range []func() error{
			func() error { _, err := w.Register(ctx, native(), ann(tt.change)); return err },
			func() error { _, err := w.SignUp(ctx, native(), ann(tt.change)); return err },
		} {
			err := f()
			if got := told(err); got != tt.want {
				t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
			}
			if err == nil {
				break // and the second would clash with the first
			}
		}
	}
	for text, want := range map[string]bool{"ANN@example.com": true, "eve@example.com": false} {
		if got, err := w.Taken(ctx, account.Email, text); got != want || err != nil {
			t.Errorf("Taken(%q) = %v, %v, want %v", text, got, err, want)
		}
	}
	if n := w.count(t, "select count(*) from sessions"); n != 1 {
		t.Errorf("%d sessions, want that of the one who got in", n)
	}
}

func TestSignUpClashesOnDjangosTable(t *testing.T) {
	t.Parallel()
	w := open(t, spaModel())
	first, err := w.SignUp(ctx, perUser(), ann(nil))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.SignUp(ctx, perUser(), ann(func(n *account.NewUser) { n.Email = "ann@EXAMPLE.com" }))
	wantCode(t, "the address once its domain is in small letters", err, account.EmailTaken)
	second, err := w.SignUp(ctx, perUser(), ann(func(n *account.NewUser) { n.Email, n.Username, n.Phone = "Ann@example.com", "ann", "+1" }))
	if err != nil || second.ID == first.ID {
		t.Errorf("another spelling: user %d, %v, want another user", second.ID, err)
	}
	if second.Username != "" || second.Phone != "" {
		t.Errorf("told of %q and %q, which the table does not hold", second.Username, second.Phone)
	}
}

func TestSignUpBySeveralAtOnce(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	const n = 16
	errs := make(chan error, n)
	for i := range n {
		go func() {
			email := "ann@example.com"
			if i%2 == 0 {
				email = "ANN@Example.com"
			}
			_, err := w.Register(ctx, native(), ann(func(n *account.NewUser) { n.Email = email }))
			errs <- err
		}()
	}
	in := 0
	for range n {
		switch err := <-errs; code(err) {
		case "":
			in++
		case account.EmailTaken:
		default:
			t.Errorf("sign-up: %v", err)
		}
	}
	if users := w.count(t, "select count(*) from users"); in != 1 || users != 1 {
		t.Errorf("%d of %d got in, %d users, want 1 and 1", in, n, users)
	}
}

func TestRegister(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	for _, tt := range []struct {
		name string
		p    *account.Policy
		want time.Time
	}{{"a mount that stamps", native(), w.clock.now()}, {"a mount that does not", perUser(), time.Time{}}} {
		g, err := w.Register(ctx, tt.p, ann(func(n *account.NewUser) { n.Email = tt.p.Mount + "@example.com" }))
		if err != nil {
			t.Fatalf("%s: %v", tt.name, err)
		}
		if who := w.who(t, tt.p, g.Access); who.User.ID != g.User.ID || who.Session.ID != g.Session.ID {
			t.Errorf("%s: user %d, session %d, want %d, %d", tt.name, who.User.ID, who.Session.ID, g.User.ID, g.Session.ID)
		}
		if got := w.user(t, g.User.ID).LastLogin; !got.Equal(tt.want) {
			t.Errorf("%s: last login %v, want %v", tt.name, got, tt.want)
		}
	}
}

// TestNobodyIsHalfRegistered lacks the key that would sign: nothing is kept then.
func TestNobodyIsHalfRegistered(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	s := w.service(instance)
	defer s.Close()
	_, err := s.Register(ctx, native(), ann(nil))
	wantCode(t, "register without a key", err, fault)
	w.add(t, "bob@example.com", nil)
	_, err = s.SignIn(ctx, native(), account.Credentials{Login: "bob@example.com", Password: secret})
	wantCode(t, "sign in without a key", err, fault)
	if users, sessions := w.count(t, "select count(*) from users"), w.count(t, "select count(*) from sessions"); users != 1 || sessions != 0 {
		t.Errorf("%d users, %d sessions, want 1, 0", users, sessions)
	}
}
