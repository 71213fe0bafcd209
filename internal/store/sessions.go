package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"doorward/internal/account"
)

const (
	sessionColumns = `x.id, x.user_id, x.mount, coalesce(x.mark, 0), x.epoch, x.generation,
	x.created_at, x.rotated_at, x.expires_at, x.ended_at`
	findSession = `select ` + sessionColumns + ` from sessions x where `
)

func sessionDest(s *account.Session) []any {
	return []any{
		&s.ID, &s.UserID, &s.Mount, &s.Mark, &s.Epoch, &s.Generation,
		intoTime{&s.Created},
		intoTime{&s.Rotated},
		intoTime{&s.Expires},
		intoTime{&s.Ended},
	}
}

// Session finds a session by its id.
func (q *queries) Session(ctx context.Context, id int64) (s account.Session, err error) {
	if err := q.row(ctx, findSession+`id = $1`, []any{id}, sessionDest(&s)...); err != nil {
		return account.Session{}, fmt.Errorf("read session %d: %w", id, err)
	}
	return s, nil
}

// SessionUser finds a session by its id, and its user.
func (q *queries) SessionUser(ctx context.Context, id int64) (s account.Session, u account.User, err error) {
	dest, finish := q.dest(&u)
	if err := q.row(ctx, q.bySession, []any{id}, append(dest, sessionDest(&s)...)...); err != nil {
		return account.Session{}, account.User{}, fmt.Errorf("read session %d and its user: %w", id, err)
	}
	finish()
	return s, u, nil
}

// SessionByMark finds a session by the second that its tokens name it by.
func (q *queries) SessionByMark(ctx context.Context, userID int64, mount string, mark int64) (s account.Session, err error) {
	err = q.row(ctx, findSession+`user_id = $1 and mount = $2 and mark = $3`, []any{userID, mount, mark}, sessionDest(&s)...)
	if err != nil {
		return account.Session{}, fmt.Errorf("find session %d of user %d: %w", mark, userID, err)
	}
	return s, nil
}

const insertSession = `insert into sessions
		(id, user_id, mount, mark, epoch, generation, created_at, rotated_at, expires_at, ended_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (user_id, mount, mark) do nothing`

// SessionsOf lists sessions of a user.
func (q *queries) SessionsOf(ctx context.Context, userID int64, limit int) (sessions []account.Session, err error) {
	text := findSession + `user_id = $1 order by mount, mark limit $2`
	err = q.each(ctx, text, []any{userID, limit}, func(rows *sql.Rows) error {
		var s account.Session
		if err := rows.Scan(sessionDest(&s)...); err != nil {
			return err
		}
		sessions = append(sessions, s)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list the sessions of user %d: %w", userID, err)
	}
	return sessions, nil
}

// InsertSession adds a session, unless its mark is in use.
func (q *queries) InsertSession(ctx context.Context, s *account.Session) (bool, error) {
	var mark any
	if s.Mark != 0 {
		mark = s.Mark
	}
	inserted, err := q.exec(ctx, insertSession,
		s.ID, s.UserID, s.Mount, mark, int64(s.Epoch), int64(s.Generation),
		micros(s.Created), micros(s.Rotated), micros(s.Expires), orNull(s.Ended))
	if err != nil {
		return false, fmt.Errorf("insert session %d of user %d: %w", s.ID, s.UserID, err)
	}
	return inserted == 1, nil
}

// LastMark is the highest mark in use.
func (q *queries) LastMark(ctx context.Context, userID int64, mount string) (mark int64, err error) {
	err = q.row(ctx, `select coalesce(max(mark), 0) from sessions where user_id = $1 and mount = $2`, []any{userID, mount}, &mark)
	if err != nil {
		return 0, fmt.Errorf("find the last mark of user %d: %w", userID, err)
	}
	return mark, nil
}

const (
	rotateSession = `update sessions set generation = generation + 1, rotated_at = $1
		where id = $2 and generation = $3 and ended_at is null`
	rotateSessionUntil = `update sessions set generation = generation + 1, rotated_at = $1, expires_at = $2
		where id = $3 and generation = $4 and ended_at is null`
)

// Rotate moves a session to its next generation, and its end to until; the zero time: its end stays, and the
// index of ends untouched.
func (d *DB) Rotate(ctx context.Context, id int64, from uint32, now, until time.Time) (first bool, err error) {
	var changed int64
	if until.IsZero() {
		changed, err = d.once(ctx, rotateSession, micros(now), id, int64(from))
	} else {
		changed, err = d.once(ctx, rotateSessionUntil, micros(now), micros(until), id, int64(from))
	}
	if err != nil {
		return false, fmt.Errorf("rotate session %d: %w", id, err)
	}
	return changed == 1, nil
}

// EndSession ends a session.
func (q *queries) EndSession(ctx context.Context, id int64, now time.Time) (bool, error) {
	changed, err := q.exec(ctx, `update sessions set ended_at = $1 where id = $2 and ended_at is null`, micros(now), id)
	if err != nil {
		return false, fmt.Errorf("end session %d: %w", id, err)
	}
	return changed == 1, nil
}

// EndSessionUntil ends a session, whose row goes at until.
func (q *queries) EndSessionUntil(ctx context.Context, id int64, now, until time.Time) (bool, error) {
	changed, err := q.exec(ctx, `update sessions set ended_at = $1, expires_at = case when expires_at < $2 then expires_at else $2 end
		where id = $3 and ended_at is null`, micros(now), micros(until), id)
	if err != nil {
		return false, fmt.Errorf("end session %d: %w", id, err)
	}
	return changed == 1, nil
}

// KeepSession gives a session a new epoch. One that has ended meanwhile stays as it is.
func (q *queries) KeepSession(ctx context.Context, id int64, epoch uint32) error {
	if _, err := q.exec(ctx, `update sessions set epoch = $1 where id = $2 and ended_at is null`, int64(epoch), id); err != nil {
		return fmt.Errorf("keep session %d: %w", id, err)
	}
	return nil
}

// Sweep deletes expired sessions, the oldest first.
func (q *queries) Sweep(ctx context.Context, t time.Time, limit int) (int64, error) {
	deleted, err := q.exec(ctx, `delete from sessions where id in
		(select id from sessions where expires_at < $1 order by expires_at limit $2)`, micros(t), max(limit, 0))
	if err != nil {
		return 0, fmt.Errorf("sweep sessions: %w", err)
	}
	return deleted, nil
}
