package account

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"doorward/internal/password"
)

// SignOut ends the session of the token that who showed. Signing out twice is no error.
func (s *Service) SignOut(ctx context.Context, p *Policy, who *Principal) error {
	err := s.store.Update(ctx, func(w Writer) error {
		id, err := s.sessionToEnd(ctx, w, p, who)
		s.ended(p, id)
		if err == nil && id != 0 {
			_, err = w.EndSession(ctx, id, s.now())
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("sign user %d out: %w", who.User.ID, err)
	}
	return nil
}

// sessionToEnd is the session of who's token. One that has no row gets a row that says it is
// over, kept as long as a token of its can live, and there is nothing left to end: 0.
func (s *Service) sessionToEnd(ctx context.Context, w Writer, p *Policy, who *Principal) (int64, error) {
	if who.Session.ID != 0 {
		return who.Session.ID, nil
	}
	ses := s.adopted(p, who)
	ses.Ended = ses.Created
	inserted, err := w.InsertSession(ctx, &ses)
	if err != nil || inserted {
		return 0, err
	}
	ses, err = w.SessionByMark(ctx, who.User.ID, p.Mount, who.mark) // another request has just adopted it
	return ses.ID, err
}

// SignOutEverywhere ends everything of a user at once: sessions, tokens, and the key they were made with.
func (s *Service) SignOutEverywhere(ctx context.Context, id int64) error {
	err := s.update(ctx, id, func(w Writer) error { return s.endEverything(ctx, w, &User{ID: id}) })
	if err != nil {
		return fmt.Errorf("sign user %d out everywhere: %w", id, err)
	}
	return nil
}

// endEverything raises the user's epoch and renews his key, along with the other fields of u that changed.
func (s *Service) endEverything(ctx context.Context, w Writer, u *User, changed ...Field) error {
	var err error
	if u.Epoch, err = w.RaiseEpoch(ctx, u.ID, s.now()); err != nil {
		return err
	}
	if s.store.Model().Has(JWTSecret) {
		u.JWTSecret = NewJWTSecret()
		changed = append(changed, JWTSecret)
	}
	if len(changed) == 0 {
		return nil
	}
	return w.UpdateUser(ctx, u, changed...)
}

// CheckPassword checks the password of somebody who is signed in. Codes: WrongPassword, Busy.
func (s *Service) CheckPassword(ctx context.Context, who *Principal, text string) error {
	return s.checkPassword(ctx, &who.User, text)
}

func (s *Service) checkPassword(ctx context.Context, u *User, text string) error {
	if len(text) > password.MaxBytes {
		return failField(WrongPassword, Password)
	}
	match, err := s.verify(ctx, u, text)
	if err != nil {
		return err
	}
	if !match.OK {
		return failField(WrongPassword, Password)
	}
	return nil
}

// errRehashed says that a user's hash is not the one that his password was checked against.
var errRehashed = errors.New("the password was hashed anew")

// maxChecks is how often a password is checked against a hash that keeps changing.
const maxChecks = 3

// proven ends everything of who, whose password text was right a moment ago, and runs then in the
// same transaction. It refuses when everything was ended since who asked: his session is not to
// come back to life. Then answers errRehashed when the hash is no longer that of seen, and runs
// again once text was checked against the new one.
func (s *Service) proven(ctx context.Context, who *Principal, text string, then func(w Writer, seen *User, epoch uint32) error) error {
	seen := who.User
	for range maxChecks {
		err := s.update(ctx, seen.ID, func(w Writer) error {
			u := User{ID: seen.ID}
			if err := s.endEverything(ctx, w, &u); err != nil {
				return err
			}
			if u.Epoch != seen.Epoch+1 {
				return failField(WrongPassword, Password)
			}
			return then(w, &seen, u.Epoch)
		})
		if errors.Is(err, ErrNotFound) {
			return failField(WrongPassword, Password)
		}
		if !errors.Is(err, errRehashed) {
			return err
		}
		if seen, err = s.checkAgain(ctx, &seen, text); err != nil {
			return err
		}
	}
	return failField(WrongPassword, Password)
}

// checkAgain checks a password against the hash that the user has now.
func (s *Service) checkAgain(ctx context.Context, seen *User, text string) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.User(ctx, seen.ID)
		return err
	})
	if errors.Is(err, ErrNotFound) || err == nil && u.Epoch != seen.Epoch {
		return User{}, failField(WrongPassword, Password)
	}
	if err != nil {
		return User{}, err
	}
	return u, s.checkPassword(ctx, &u, text)
}

// swap replaces the hash of a user that is still the one he was seen with.
func swap(ctx context.Context, w Writer, seen *User, fresh string) error {
	swapped, err := w.SwapPassword(ctx, seen.ID, seen.Password, fresh)
	if err == nil && !swapped {
		err = errRehashed
	}
	return err
}

// Delete removes the account of who, once its password was given. Codes: WrongPassword, Busy.
func (s *Service) Delete(ctx context.Context, who *Principal, text string) error {
	if err := s.CheckPassword(ctx, who, text); err != nil {
		return err
	}
	err := s.proven(ctx, who, text, func(w Writer, seen *User, _ uint32) error {
		if err := swap(ctx, w, seen, seen.Password); err != nil {
			return err
		}
		_, err := w.DeleteUser(ctx, seen.ID)
		return err
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("delete user %d: %w", who.User.ID, err)
	}
	return err
}

// Remove deletes an account, and all that is kept of it.
func (s *Service) Remove(ctx context.Context, id int64) error {
	err := s.update(ctx, id, func(w Writer) error {
		_, err := w.DeleteUser(ctx, id)
		return err
	})
	if err != nil {
		return fmt.Errorf("delete user %d: %w", id, err)
	}
	return nil
}

// ChangePassword replaces the password of who and ends everything else that is signed in. The
// session that asked lives on: its next refresh brings a good access token.
// Codes: WrongPassword, the password rules, Busy.
func (s *Service) ChangePassword(ctx context.Context, p *Policy, who *Principal, current, fresh string) error {
	if err := s.CheckPassword(ctx, who, current); err != nil {
		return err
	}
	hash, err := s.newPassword(ctx, p, &who.User, fresh)
	if err != nil {
		return err
	}
	err = s.proven(ctx, who, current, func(w Writer, seen *User, epoch uint32) error {
		if err := swap(ctx, w, seen, hash); err != nil {
			return err
		}
		return w.KeepSession(ctx, who.Session.ID, epoch)
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("change the password of user %d: %w", who.User.ID, err)
	}
	return err
}

// SetPassword is ChangePassword by an operator: no proof, and every session ends.
func (s *Service) SetPassword(ctx context.Context, p *Policy, u *User, fresh string) error {
	hash, err := s.newPassword(ctx, p, u, fresh)
	if err != nil {
		return err
	}
	err = s.update(ctx, u.ID, func(w Writer) error {
		return s.endEverything(ctx, w, &User{ID: u.ID, Password: hash}, Password)
	})
	if err != nil {
		return fmt.Errorf("set the password of user %d: %w", u.ID, err)
	}
	return nil
}

func (s *Service) newPassword(ctx context.Context, p *Policy, u *User, text string) (string, error) {
	if problems := s.judgePassword(p, text, u.text); len(problems) > 0 {
		return "", &Error{Problems: problems}
	}
	hash, err := s.pool.Hash(ctx, text)
	if err != nil {
		return "", busy(err, "hash a new password")
	}
	return hash, nil
}

// SetActive disables a user, which ends everything of his, or lets him in again.
func (s *Service) SetActive(ctx context.Context, id int64, active bool) error {
	err := s.update(ctx, id, func(w Writer) error {
		u := User{ID: id, IsActive: active}
		if active {
			return w.UpdateUser(ctx, &u, IsActive)
		}
		return s.endEverything(ctx, w, &u, IsActive)
	})
	if err != nil {
		return fmt.Errorf("set whether user %d is active: %w", id, err)
	}
	return nil
}

// Update changes texts that people may change about themselves. Codes: ReadOnly, Invalid, TooLong,
// UsernameTaken, PhoneTaken.
func (s *Service) Update(ctx context.Context, who *Principal, texts map[Field]string) (User, error) {
	u := who.User
	problems, changed := s.judgeChanges(&u, texts)
	if len(problems) > 0 {
		return User{}, &Error{Problems: problems}
	}
	if len(changed) == 0 {
		return u, nil
	}
	err := s.update(ctx, u.ID, func(w Writer) error { return w.UpdateUser(ctx, &u, changed...) })
	if err != nil {
		return User{}, s.taken(err, fmt.Sprintf("update user %d", u.ID))
	}
	return u, nil
}

func (s *Service) judgeChanges(u *User, texts map[Field]string) (problems []Problem, changed []Field) {
	m := s.store.Model()
	for _, f := range profileFields {
		text, ok := texts[f]
		c, has := m.Column(f)
		switch {
		case !ok:
		case !has || f == Email || f == m.Login:
			problems = append(problems, Problem{Code: ReadOnly, Field: f})
		default:
			problems = append(problems, judgeText(c, text)...)
			u.setText(f, text)
			changed = append(changed, f)
		}
	}
	return problems, changed
}

func (u *User) text(f Field) string {
	switch f {
	case Email:
		return u.Email
	case Username:
		return u.Username
	case FirstName:
		return u.FirstName
	case LastName:
		return u.LastName
	case Name:
		return u.Name
	case Phone:
		return u.Phone
	}
	return ""
}

func (u *User) setText(f Field, text string) {
	text = normal(f, text)
	switch f {
	case Email:
		u.Email = text
	case Username:
		u.Username = text
	case FirstName:
		u.FirstName = text
	case LastName:
		u.LastName = text
	case Name:
		u.Name = text
	case Phone:
		u.Phone = text
	}
}

// Find finds a user by id, e-mail address or user name, as an operator types them. ErrNotFound when there is none.
func (s *Service) Find(ctx context.Context, ref string) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		if id, bad := strconv.ParseInt(ref, 10, 64); bad == nil && strconv.FormatInt(id, 10) == ref { // 007 is a name
			if u, err = r.User(ctx, id); !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		by := Username
		if strings.Contains(ref, "@") || !s.store.Model().Has(Username) {
			by = Email
		}
		u, err = r.UserByLogin(ctx, by, ref, true)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("find user %q: %w", ref, err)
	}
	return u, nil
}

// List gives at most limit users by id, from the one after `after`.
func (s *Service) List(ctx context.Context, after int64, limit int) (users []User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		users, err = r.Users(ctx, after, limit)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list users: %w", err)
	}
	return users, nil
}

// Sweep deletes sessions that nobody can use any more, in small steps.
func (s *Service) Sweep(ctx context.Context) error {
	const step = 500
	for {
		var n int64
		err := s.store.Update(ctx, func(w Writer) (err error) {
			n, err = w.Sweep(ctx, s.now(), step)
			return err
		})
		if err != nil {
			return fmt.Errorf("sweep sessions: %w", err)
		}
		if n < step {
			return nil
		}
	}
}
