package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/store"
)

// ender is what account.Reader does not ask for yet.
type ender interface {
	EndedSessions(ctx context.Context, since time.Time, after int64, limit int) ([]store.EndedSession, error)
}

func TestEndedSessions(t *testing.T) {
	onBoth(t, func(t *testing.T, url string) {
		d := migrated(t, url, own())
		ctx := t.Context()
		at := func(minute int) time.Time { return moment.Add(time.Duration(minute) * time.Minute).UTC() }
		ends := map[int64]int{1: 5, 2: 3, 3: 0, 4: 5, 5: 7, 6: 5} // by id; 0: alive
		err := d.Update(ctx, func(w account.Writer) error {
			for id, minute := range ends {
				ses := account.Session{ID: id, UserID: 10 * id, Mount: "m", Mark: id - 1, Created: at(0), Rotated: at(0), Expires: at(60)}
				if _, err := w.InsertSession(ctx, &ses); err != nil {
					return err
				}
				if minute > 0 {
					if _, err := w.EndSession(ctx, id, at(minute)); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			name  string
			since time.Time
			after int64
			limit int
			want  []int64
		}{
			{"all", time.Time{}, 0, 9, []int64{2, 1, 4, 6, 5}},
			{"from a minute on", at(5), 0, 9, []int64{1, 4, 6, 5}},
			{"the first two of a minute", at(5), 0, 2, []int64{1, 4}},
			{"and what comes after them", at(5), 4, 2, []int64{6, 5}},
			{"after an id that is above those of later ones", at(3), 99, 9, []int64{1, 4, 6, 5}},
			{"later than all", at(8), 0, 9, nil},
			{"none", at(0), 0, -1, nil},
		} {
			var got []store.EndedSession
			err := d.View(ctx, func(r account.Reader) (err error) {
				got, err = r.(ender).EndedSessions(ctx, tt.since, tt.after, tt.limit)
				return err
			})
			var ids []int64
			for _, s := range got {
				ids = append(ids, s.ID)
				if want := (store.EndedSession{ID: s.ID, UserID: 10 * s.ID, Mount: "m", Mark: s.ID - 1, Ended: at(ends[s.ID]), Expires: at(60)}); s != want {
					t.Errorf("%s: got %+v, want %+v", tt.name, s, want)
				}
			}
			if err != nil || !slices.Equal(ids, tt.want) {
				t.Errorf("%s: got %v, %v, want %v", tt.name, ids, err, tt.want)
			}
		}
		for _, text := range d.Texts() {
			if !strings.Contains(text, "order by ended_at") {
				continue
			}
			plan := explain(t, d, text)
			if !strings.Contains(plan, "sessions_ended") || strings.Contains(plan, "SCAN") || strings.Contains(plan, "Sort") || strings.Contains(plan, "TEMP") {
				t.Errorf("%s\nfinds its rows otherwise than along sessions_ended:\n%s", text, plan)
			}
		}
	})
}
