package account

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// SignOut ends the session of the token that who showed. Signing out twice is no error.
func (s *Service) SignOut(ctx context.Context, p *Policy, who *Principal) error {
	var id int64
	err := s.store.Update(ctx, func(w Writer) (err error) {
		if id, err = s.sessionToEnd(ctx, w, p, who); err == nil && id != 0 {
			_, err = s.endRow(ctx, w, p, id)
		}
		return err
	})
	s.ended(p, id)
	if err != nil {
		return fmt.Errorf("sign user %d out: %w", who.User.ID, err)
	}
	return nil
}

// endedKept is how long the row of a session stays after its end where its tokens name it: they are
// refused without it as well. Tokens that another program could have made need theirs to the last.
const endedKept = time.Hour

// endRow ends a session of p, and reports whether it was alive.
func (s *Service) endRow(ctx context.Context, w Writer, p *Policy, id int64) (bool, error) {
	now := s.now()
	if p.Tokens.claim(FromSession) == "" {
		return w.EndSession(ctx, id, now)
	}
	return w.EndSessionUntil(ctx, id, now, now.Add(endedKept))
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
	ses, err = w.SessionByMark(ctx, who.User.ID, p.family(), who.mark) // another request has just adopted it
	return ses.ID, err
}

// SignOutEverywhere ends everything of a user at once: sessions, tokens, and the key they were made with.
// Codes: NoSuchUser.
func (s *Service) SignOutEverywhere(ctx context.Context, id int64) error {
	err := s.update(ctx, id, func(w Writer) error { return s.endEverything(ctx, w, &User{ID: id}) })
	if err = lost(err); err != nil && Refusal(err) == nil {
		return fmt.Errorf("sign user %d out everywhere: %w", id, err)
	}
	return err
}

// SignOutOfAllNodes is SignOutEverywhere, and then waits until every node has heard of it: told.
// Where it is false some may take the old tokens for as long as their bound allows.
func (s *Service) SignOutOfAllNodes(ctx context.Context, id int64) (told bool, err error) {
	if err := s.SignOutEverywhere(ctx, id); err != nil {
		return false, err
	}
	return s.spread(ctx, id), nil
}

// endEverything raises the user's epoch and renews his key, along with the other fields of u that changed.
func (s *Service) endEverything(ctx context.Context, w Writer, u *User, changed ...Field) error {
	if err := w.EndClearToken(ctx, u.ID); err != nil {
		return err
	}
	return s.raise(ctx, w, u, changed...)
}

// raise is endEverything but for a token that no epoch ends.
func (s *Service) raise(ctx context.Context, w Writer, u *User, changed ...Field) error {
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

// Delete removes the account of who, once its password was given. Codes: WrongPassword, Busy.
func (s *Service) Delete(ctx context.Context, who *Principal, text string) error {
	if err := s.CheckPassword(ctx, who, text); err != nil {
		return err
	}
	err := s.proven(ctx, who, text, false, func(w Writer, seen *User, _ uint32) error {
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

// Remove deletes an account, and all that is kept of it. One that is gone already is no error.
func (s *Service) Remove(ctx context.Context, id int64) error {
	err := s.Dismiss(ctx, &Policy{}, nil, id)
	if errors.Is(err, NoSuchUser) {
		return nil
	}
	return err
}

// Dismiss deletes the account of another for who, nil for an operator. Codes: NoSuchUser, Outranked.
func (s *Service) Dismiss(ctx context.Context, p *Policy, who *Principal, id int64) error {
	err := s.update(ctx, id, func(w Writer) error {
		u, err := w.User(ctx, id)
		if err == nil {
			err = p.outranks(who, &u)
		}
		if err != nil {
			return lost(err)
		}
		there, err := w.DeleteUser(ctx, id)
		if err == nil && !there {
			return fail(NoSuchUser)
		}
		return err
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("delete user %d: %w", id, err)
	}
	return err
}

// SetActive disables a user, which ends everything of his, or lets him in again.
func (s *Service) SetActive(ctx context.Context, id int64, active bool) error {
	err := s.update(ctx, id, func(w Writer) error {
		u := User{ID: id, IsActive: active}
		if err := w.Bar(ctx, id, !active); err != nil {
			return err
		}
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
	return s.Edit(ctx, Self, who.User, Changes{Texts: texts})
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
		if u.Phone == "" {
			return u.Extra.Of(Phone).String() // where it is declared
		}
		return u.Phone
	case Language:
		return u.Language
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
	case Language:
		u.Language = text
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
