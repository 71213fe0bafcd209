package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/stdlib"

	"doorward/internal/account"
)

// On PostgreSQL several nodes remember what they read, and tell each other what was committed since:
// triggers write the table feed (migration 0005), and every node follows it.

const (
	// feedTimeout bounds one look at the feed, and the connecting before the first one.
	feedTimeout = 2 * time.Second
	// maxChanges is how many changes are told one by one. Where there are more, it is cheaper to
	// forget everything.
	maxChanges = 1000
	// beatEvery is how often a node says at least that it is there. One that did not for deadAfter
	// trusts its memory no more: nobody waits for it. One that did not for struckAfter is struck
	// off, and begins anew. Changes are kept longer, for feedLife.
	beatEvery   = 2 * time.Second
	deadAfter   = 10 * time.Second
	struckAfter = 10 * time.Minute
	feedLife    = time.Hour
)

// Follower is a node that follows the feed.
type Follower struct {
	Node  string        // names it among the nodes
	Every time.Duration // how often it looks, unless a notification wakes it
	Now   func() time.Time
	// Heed is told what was committed, after every look, and of everything at first. All that was
	// committed before began has been told when it returns. An error ends Follow.
	Heed func(ctx context.Context, began time.Time, changes []account.Change) error
}

// errStruck says that changes may have been swept before this node saw them.
var errStruck = errors.New("this node was away for so long that it was struck off")

// Follow tells f what any node, or anybody else, committed that memory may hold otherwise, until
// ctx ends or its connection fails: whoever calls it again begins anew, so nothing that happened
// meanwhile, a failover or a restore say, can be missed. It holds a connection of its own. On
// SQLite it returns errors.ErrUnsupported at once; see Watch.
//
// It takes no lock, and changes need not come in any order: a look asks for the rows of all
// transactions that the look before it did not see, however old they are.
func (d *DB) Follow(ctx context.Context, f Follower) error {
	if d.engine.name != PostgreSQL {
		return errors.ErrUnsupported
	}
	t := &follow{Follower: f}
	err := t.begin(ctx, d)
	if t.conn == nil {
		return fmt.Errorf("follow the feed: %w", err)
	}
	defer t.end(ctx)
	for err == nil {
		if err = t.look(ctx); err == nil {
			err = t.sleep(ctx)
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follow the feed: %w", err)
}

// follow is one connection's time of following.
type follow struct {
	Follower
	conn *sql.Conn
	q    *queries
	seen string // the snapshot of the last look
	beat time.Time
}

// begin connects and notes where the feed is. Only then everything is forgotten: what is remembered
// later was read later.
func (t *follow) begin(ctx context.Context, d *DB) (err error) {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	if t.conn, err = d.follow.Conn(ctx); err != nil {
		t.conn = nil
		return err
	}
	t.q = d.queries(t.conn)
	if _, err := t.conn.ExecContext(ctx, `listen doorward_feed`); err != nil {
		return err
	}
	t.beat = t.Now()
	err = t.q.row(ctx, `insert into nodes (instance, seen) values ($1, pg_current_snapshot())
		on conflict (instance) do update set seen = excluded.seen, at = excluded.at returning cast(seen as text)`, []any{t.Node}, &t.seen)
	if err != nil {
		return err
	}
	return t.Heed(ctx, t.beat, []account.Change{{}})
}

// look tells what was committed since the last look. Its snapshot is taken before the rows are
// read: what comes between is told twice.
func (t *follow) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, feedTimeout)
	defer cancel()
	began := t.Now()
	var seen string
	err := t.q.row(ctx, `select cast(pg_current_snapshot() as text) from nodes where instance = $1`, []any{t.Node}, &seen)
	if errors.Is(err, account.ErrNotFound) {
		return errStruck
	}
	if err != nil {
		return err
	}
	changes, err := t.since(ctx)
	if err != nil {
		return err
	}
	if err := t.Heed(ctx, began, changes); err != nil {
		return err
	}
	t.seen = seen
	if len(changes) == 0 && began.Sub(t.beat) < beatEvery {
		return nil
	}
	t.beat = began
	_, err = t.q.exec(ctx, `update nodes set seen = cast(cast($1 as text) as pg_snapshot), at = default where instance = $2`, t.seen, t.Node)
	return err
}

// since lists what the last look did not see.
func (t *follow) since(ctx context.Context) (changes []account.Change, err error) {
	err = t.q.each(ctx, `select user_id, session_id from feed
		where txid >= pg_snapshot_xmin(cast(cast($1 as text) as pg_snapshot))
		and not pg_visible_in_snapshot(txid, cast(cast($1 as text) as pg_snapshot)) limit $2`,
		[]any{t.seen, maxChanges}, func(rows *sql.Rows) error {
			var c account.Change
			err := rows.Scan(&c.User, &c.Session)
			changes = append(changes, c)
			return err
		})
	if len(changes) == maxChanges {
		return []account.Change{{}}, err
	}
	return changes, err
}

// sleep waits for a notification, or for the time of the next look.
func (t *follow) sleep(ctx context.Context) error {
	waiting, cancel := context.WithTimeout(ctx, max(t.Every-graceAfterCancel, time.Millisecond))
	defer cancel()
	err := t.conn.Raw(func(conn any) error {
		_, err := conn.(*stdlib.Conn).Conn().WaitForNotification(waiting)
		return err
	})
	if waiting.Err() != nil { // a connection that is broken besides shows it at the next look
		err = ctx.Err()
	}
	return err
}

// end takes the node off the list, and closes the connection.
func (t *follow) end(ctx context.Context) {
	_ = t.conn.Close()
	if ctx.Err() == nil { // the connection failed, and the node comes back soon
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), feedTimeout)
	defer cancel()
	_, _ = t.q.d.queries(t.q.d.reads).exec(ctx, `delete from nodes where instance = $1`, t.Node)
}

// Unheard counts the nodes that remember and were not yet told of a user's last change.
func (d *DB) Unheard(ctx context.Context, user int64) (n int, err error) {
	if d.engine.name != PostgreSQL {
		return 0, errors.ErrUnsupported
	}
	err = d.queries(d.reads).row(ctx, `select count(*) from nodes where at > (select max(at) from nodes) - cast($1 as bigint)
		and exists (select 1 from feed where user_id = $2 and not pg_visible_in_snapshot(txid, seen))`,
		[]any{deadAfter.Microseconds(), user}, &n)
	if err != nil {
		return 0, fmt.Errorf("count the nodes that do not know of user %d: %w", user, err)
	}
	return n, nil
}

// SweepFeed strikes off nodes that are gone, and deletes at most limit changes that all others have
// seen. Time is what the newest row says: the database's own. Where nodes remember nothing, changes
// are told all the same.
func (d *DB) SweepFeed(ctx context.Context, limit int) (n int64, err error) {
	if d.engine.name != PostgreSQL {
		return 0, errors.ErrUnsupported
	}
	err = d.Update(ctx, func(w account.Writer) error {
		q := w.(*queries)
		if _, err := q.exec(ctx, `delete from nodes where at < (select max(at) from nodes) - cast($1 as bigint)`,
			struckAfter.Microseconds()); err != nil {
			return err
		}
		n, err = q.exec(ctx, `delete from feed where (txid, user_id, session_id) in (select txid, user_id, session_id from feed
			where at < greatest((select max(at) from nodes), (select max(at) from feed)) - cast($1 as bigint)
			order by at limit $2)`, feedLife.Microseconds(), limit)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("sweep the feed: %w", err)
	}
	return n, nil
}
