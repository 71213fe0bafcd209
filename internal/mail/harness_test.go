package mail_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/mail"
	"doorward/internal/store"
	"doorward/internal/store/storetest"
)

// engines are the databases that the sender is tested on.
var engines = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "doorward.db") },
	"postgres": func(t testing.TB) string { return storetest.Postgres(t) },
}

// onEachEngine runs a test over an empty database of each kind.
func onEachEngine(t *testing.T, test func(t *testing.T, b *box)) {
	for name, url := range engines {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newBox(t, url(t)))
		})
	}
}

// box is an outbox of a real store, with a log that is kept.
type box struct {
	*store.DB
	now func() time.Time
	log *keptLog
}

func newBox(t *testing.T, url string) *box {
	t.Helper()
	db, err := store.Open(t.Context(), store.Options{URL: url, Model: account.OwnModel(account.Email, account.Folded)})
	if err == nil {
		err = db.Migrate(t.Context(), nil)
	}
	if err != nil {
		t.Fatalf("open a store: %v", err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &box{DB: db, now: time.Now, log: &keptLog{}}
}

// put puts a mail to an address into the outbox.
func (b *box) put(t testing.TB, to string) int64 {
	t.Helper()
	sealed, err := json.Marshal(message(to))
	if err != nil {
		t.Fatal(err)
	}
	m := account.Mail{UserID: 7, Occasion: account.ActivationMail, Sealed: sealed, Created: b.now()}
	if err := b.Update(context.Background(), func(w account.Writer) error { return w.InsertMail(context.Background(), &m) }); err != nil {
		t.Fatalf("put a mail to %s into the outbox: %v", to, err)
	}
	return m.ID
}

func message(to string) account.Message {
	return account.Message{
		ID: hex.EncodeToString([]byte(to)) + "@example.com", From: "Doorward <noreply@example.com>", To: to,
		Subject: "Activate your account", Text: "Open https://example.com/activate/Mg/abc-0123456789abcdef0123456789abcdef\n", HTML: "<p>Hello</p>",
	}
}

// sender sends from the box until the test ends.
func (b *box) sender(t testing.TB, transport mail.Transport) *mail.Sender {
	t.Helper()
	s := mail.NewSender(mail.SenderOptions{
		Outbox: b.DB, Transport: transport, Now: b.now, Tick: time.Now, Log: slog.New(slog.NewTextHandler(b.log, nil)),
		Counts: &mail.Counts{}, Alone: func() bool { return false },
		Open: func(m *account.Mail) (out account.Message, err error) { return out, json.Unmarshal(m.Sealed, &out) },
	})
	s.Start()
	t.Cleanup(func() {
		s.Close()
		if err := transport.Close(); err != nil {
			t.Errorf("close the transport: %v", err)
		}
	})
	return s
}

// row is a mail as it stands.
func (b *box) row(t testing.TB, id int64) account.Mail {
	t.Helper()
	list, err := b.Mails(context.Background(), id+1, 1)
	if err != nil || len(list) != 1 || list[0].ID != id {
		t.Fatalf("read mail %d: %+v, %v", id, list, err)
	}
	return list[0]
}

// await waits until a condition holds.
func await(t testing.TB, what string, within time.Duration, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(within); !holds(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s in vain: %s", within, what)
		}
	}
}

// keptLog keeps what is logged.
type keptLog struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *keptLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *keptLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func addresses(n int) (list []string) {
	for i := range n {
		list = append(list, fmt.Sprintf("u%03d@example.com", i))
	}
	return list
}
