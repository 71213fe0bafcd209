package accounttest

import (
	"context"
	"testing"

	"doorward/internal/account"
)

// TestADatabaseThatIsTooSlowToJudgeIsAway: who asks is told to come again. Where it was he who went away, or set a
// bound of his own, nobody is told that the database is.
func TestADatabaseThatIsTooSlowToJudgeIsAway(t *testing.T) {
	t.Parallel()
	w := open(t, ownModel())
	s, _ := remember(t, w)
	u := w.add(t, "ann@example.com", nil)
	access, browser := w.signIn(t, native(), "ann@example.com").Access, w.browse(t, &u, "")
	recognize(t, s, native(), access)
	gone, leave := context.WithCancel(ctx)
	leave()
	for name, judge := range map[string]func(context.Context) error{
		"a token": func(ctx context.Context) error { _, err := w.Authenticate(ctx, native(), access); return err },
		"a token that is remembered, whose user is not": func(ctx context.Context) error {
			if err := s.Heed(ctx, []account.Change{{User: u.ID}}); err != nil {
				return err
			}
			_, err := s.Recognize(ctx, native(), access)
			return err
		},
		"the session of a browser": func(ctx context.Context) error { _, err := w.AuthenticateBrowser(ctx, native(), browser); return err },
	} {
		w.hook = func(string) error { return context.DeadlineExceeded } // as a reading ends that its bound ended
		if err := judge(ctx); code(err) != account.Unavailable {
			t.Errorf("%s, too late: got %v, want %q", name, err, account.Unavailable)
		}
		if err := judge(gone); err == nil || code(err) == account.Unavailable {
			t.Errorf("%s, for who went away: got %v, want no word of the database", name, err)
		}
		w.hook = nil
		if err := judge(ctx); err != nil {
			t.Errorf("%s, in time: got %v", name, err)
		}
	}
}
