package store

import (
	"context"
	"fmt"

	"doorward/internal/account"
)

// maxWaiting is how many mails may wait at once.
const maxWaiting = 100_000

// The states of a mail, by the numbers that rows hold.
const (
	mailWaiting = 1 // then sent, and failed
)

// InsertMail puts a mail into the outbox.
func (q *queries) InsertMail(ctx context.Context, m *account.Mail) error {
	var waiting int64
	err := q.row(ctx, `select count(*) from (select 1 from outbox where state = 1 limit $1) as waiting`, []any{maxWaiting}, &waiting)
	if err != nil {
		return fmt.Errorf("count the mails that wait: %w", err)
	}
	if waiting >= maxWaiting {
		return account.ErrOutboxFull
	}
	err = q.row(ctx, `insert into outbox (user_id, occasion, sealed, state, tries, created_at, due_at, answer)
		values ($1, $2, $3, $4, 0, $5, $5, '') returning id`,
		[]any{m.UserID, string(m.Occasion), m.Sealed, mailWaiting, micros(m.Created)}, &m.ID)
	if err != nil {
		return fmt.Errorf("insert a mail for user %d: %w", m.UserID, err)
	}
	return nil
}

// DropMails takes the mails of a user out of the outbox.
func (q *queries) DropMails(ctx context.Context, userID int64) error {
	if _, err := q.exec(ctx, `delete from outbox where user_id = $1`, userID); err != nil {
		return fmt.Errorf("drop the mails of user %d: %w", userID, err)
	}
	return nil
}
