package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"doorward/internal/account"
)

// maxWaiting is how many mails may wait at once, about: other nodes' mails are counted now and then.
var maxWaiting int64 = 100_000 // a variable for tests

// recountEvery is after how many mails, put in or refused, those that wait are counted again.
const recountEvery = 256

// backlog is how many mails wait, about. Counting them at every sign-up would cost the more, the more wait.
type backlog struct {
	waiting atomic.Int64
	asked   atomic.Int64
}

// InsertMail puts a mail into the outbox.
func (q *queries) InsertMail(ctx context.Context, m *account.Mail) error {
	b := &q.d.backlog
	if b.asked.Add(1)%recountEvery == 1 {
		if _, err := q.countMails(ctx); err != nil {
			return err
		}
	}
	if b.waiting.Load() >= maxWaiting {
		return account.ErrOutboxFull
	}
	err := q.row(ctx, `insert into outbox (user_id, occasion, sealed, state, tries, created_at, due_at, answer)
		values ($1, $2, $3, 1, 0, $4, $4, '') returning id`,
		[]any{m.UserID, string(m.Occasion), m.Sealed, micros(m.Created)}, &m.ID)
	if err != nil {
		return fmt.Errorf("insert a mail for user %d: %w", m.UserID, err)
	}
	b.waiting.Add(1) // one that is rolled back is in it until the next count
	return nil
}

func (q *queries) countMails(ctx context.Context) (n int64, err error) {
	err = q.row(ctx, `select count(*) from outbox where state = 1`, nil, &n)
	if err != nil {
		return 0, fmt.Errorf("count the mails that wait: %w", err)
	}
	q.d.backlog.waiting.Store(n)
	return n, nil
}

// WaitingMails counts the mails that wait: as many entries of an index are read.
func (d *DB) WaitingMails(ctx context.Context) (int64, error) {
	return d.queries(d.reads).countMails(ctx)
}

const findMail = `select id, user_id, occasion, sealed, state, tries, created_at, due_at, settled_at, answer from outbox where `

func scanMail(rows *sql.Rows, m *account.Mail) error {
	return rows.Scan(&m.ID, &m.UserID, &m.Occasion, &m.Sealed, &m.State, &m.Tries,
		intoTime{&m.Created}, intoTime{&m.Due}, intoTime{&m.Settled}, &m.Answer)
}

func (q *queries) mails(ctx context.Context, text string, args ...any) (list []account.Mail, err error) {
	err = q.each(ctx, text, args, func(rows *sql.Rows) error {
		var m account.Mail
		err := scanMail(rows, &m)
		list = append(list, m)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the outbox: %w", err)
	}
	return list, nil
}

// claimable is how many mails that are due are looked at for one to claim: other nodes look at the same.
const claimable = 16

// ClaimMail takes the mail that is due longest, so that nobody else sends it before until.
// account.ErrNotFound when none is due.
func (d *DB) ClaimMail(ctx context.Context, now, until time.Time) (m account.Mail, err error) {
	due, err := d.queries(d.reads).mails(ctx, findMail+`state = 1 and due_at <= $1 order by due_at limit $2`, micros(now), claimable)
	if err != nil || len(due) == 0 {
		return m, errors.Join(err, none(due))
	}
	claimed := false
	err = d.Update(ctx, func(w account.Writer) error {
		claimed = false
		for _, m = range due {
			n, err := w.(*queries).exec(ctx, `update outbox set due_at = $1, tries = tries + 1
				where id = $2 and state = 1 and due_at = $3`, micros(until), m.ID, micros(m.Due))
			if err != nil {
				return fmt.Errorf("claim mail %d: %w", m.ID, err)
			}
			if claimed = n == 1; claimed {
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return account.Mail{}, err
	}
	if !claimed {
		return account.Mail{}, account.ErrNotFound // others have them all; more may be due
	}
	m.Due, m.Tries = until, m.Tries+1
	return m, nil
}

func none(due []account.Mail) error {
	if len(due) == 0 {
		return account.ErrNotFound
	}
	return nil
}

// SettleMail writes what became of a claimed mail: sent, and what it said is forgotten; failed; or
// still waiting, due again at m.Due. It reports false when the claim was over and another node has the mail;
// one that was sent is sent all the same. A mail to nobody leaves nothing behind.
func (d *DB) SettleMail(ctx context.Context, m *account.Mail, claim time.Time) (settled bool, err error) {
	err = d.Update(ctx, func(w account.Writer) error {
		q := w.(*queries)
		var n int64
		var err error
		switch {
		case m.UserID == account.ToNobody:
			n, err = q.exec(ctx, `delete from outbox where id = $1`, m.ID)
		case m.State == account.MailSent:
			n, err = q.exec(ctx, `update outbox set state = 2, sealed = null, settled_at = $1, answer = $2 where id = $3 and state <> 2`,
				micros(m.Settled), m.Answer, m.ID)
		case m.State == account.MailFailed:
			n, err = q.exec(ctx, `update outbox set state = 3, settled_at = $1, answer = $2 where id = $3 and state = 1 and due_at = $4`,
				micros(m.Settled), m.Answer, m.ID, micros(claim))
		default:
			n, err = q.exec(ctx, `update outbox set due_at = $1, answer = $2 where id = $3 and state = 1 and due_at = $4`,
				micros(m.Due), m.Answer, m.ID, micros(claim))
		}
		settled = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("settle mail %d: %w", m.ID, err)
	}
	if settled && m.State != account.MailWaiting {
		d.backlog.waiting.Add(-1)
	}
	return settled, nil
}

// FreeMails makes every mail that waits due now, also those that a dead sender had claimed. Only
// for a database that nobody else sends from.
func (d *DB) FreeMails(ctx context.Context, now time.Time) error {
	err := d.Update(ctx, func(w account.Writer) error {
		_, err := w.(*queries).exec(ctx, `update outbox set due_at = $1 where state = 1 and due_at > $1`, micros(now))
		return err
	})
	if err != nil {
		return fmt.Errorf("free the mails of a dead sender: %w", err)
	}
	return nil
}

// SweepMails deletes at most limit mails that were settled before t.
func (d *DB) SweepMails(ctx context.Context, t time.Time, limit int) (n int64, err error) {
	err = d.Update(ctx, func(w account.Writer) error {
		n, err = w.(*queries).exec(ctx, `delete from outbox where id in
			(select id from outbox where state <> 1 and settled_at < $1 order by settled_at limit $2)`, micros(t), limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep the outbox: %w", err)
	}
	return n, nil
}

// Mails lists the outbox, the latest first, from the one before `before`; 0: from the last one. Those to nobody
// are left out.
func (d *DB) Mails(ctx context.Context, before int64, limit int) ([]account.Mail, error) {
	if before == 0 {
		before = 1<<63 - 1
	}
	return d.queries(d.reads).mails(ctx, findMail+`id < $1 and user_id <> $2 order by id desc limit $3`, before, account.ToNobody, limit)
}

// RetryMail makes a mail that failed wait again, due now, and reports whether it had failed.
func (d *DB) RetryMail(ctx context.Context, id int64, now time.Time) (again bool, err error) {
	err = d.Update(ctx, func(w account.Writer) error {
		n, err := w.(*queries).exec(ctx, `update outbox set state = 1, due_at = $1, settled_at = null
			where id = $2 and state = 3 and sealed is not null`, micros(now), id)
		again = n == 1
		return err
	})
	if err != nil {
		return false, fmt.Errorf("retry mail %d: %w", id, err)
	}
	return again, nil
}
