package mail_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"doorward/internal/account"
	"doorward/internal/mail/mailtest"
)

// recovery is the promise: after an outage every mail is out within a minute.
const recovery = time.Minute

func TestEveryMailLeavesAfterAnOutage(t *testing.T) {
	for name, mood := range map[string]mailtest.Mood{
		"refusing": mailtest.Refusing, "silent": mailtest.Silent, "a tarpit": mailtest.Dripping, "slow": mailtest.Slow, "busy": mailtest.Busy,
		"deferring": mailtest.Deferring, "hanging up in the middle": mailtest.Hanging,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, engines["sqlite"](t))
			server := (&mailtest.Server{}).Start(t)
			server.Set(mood)
			s := b.sender(t, open(t, server.URL("smtp")))
			var ids []int64
			for _, to := range addresses(30) {
				ids = append(ids, b.put(t, to))
				s.Wake()
			}
			time.Sleep(3 * time.Second) // the outage
			if mails := server.Mails(); len(mails) != 0 {
				t.Fatalf("got %d mails while the server is down", len(mails))
			}
			server.Set(mailtest.Well)
			await(t, "every mail is sent", recovery, func() bool {
				return !slices.ContainsFunc(ids, func(id int64) bool { return b.row(t, id).State != account.MailSent })
			})
			once(t, server, addresses(30))
			if log := b.log.String(); mood != mailtest.Slow && mood != mailtest.Dripping && mood != mailtest.Silent &&
				(strings.Count(log, "is down") != strings.Count(log, "is back") || strings.Count(log, "is down") > 3) {
				t.Errorf("the log should tell the beginning and the end of an outage:\n%s", log)
			}
		})
	}
}

// TestConnectionsThatHangAreLeft holds the same promise where what hung goes on hanging: a server
// that was started again knows nothing of the connections of its predecessor.
func TestConnectionsThatHangAreLeft(t *testing.T) {
	t.Parallel()
	b := newBox(t, engines["sqlite"](t))
	server := (&mailtest.Server{Lasting: true}).Start(t)
	server.Set(mailtest.Silent)
	s := b.sender(t, open(t, server.URL("smtp")))
	for _, to := range addresses(30) {
		b.put(t, to)
	}
	s.Wake()
	await(t, "a connection hangs", recovery, func() bool { return server.Connections() > 0 })
	time.Sleep(2 * time.Second) // more of them
	server.Set(mailtest.Well)
	await(t, "every mail is sent", recovery, func() bool { n, err := b.WaitingMails(t.Context()); return n == 0 && err == nil })
	once(t, server, addresses(30))
}

// once fails unless each address got its mail, and got it once.
func once(t *testing.T, server *mailtest.Server, to []string) {
	t.Helper()
	count := map[string]int{}
	for _, m := range server.Mails() {
		count[m.To]++
	}
	for _, a := range to {
		if count[a] != 1 {
			t.Errorf("%s got %d mails, want 1", a, count[a])
		}
	}
}

func TestARefusedMailIsGivenUpAtOnceWithItsReason(t *testing.T) {
	onEachEngine(t, func(t *testing.T, b *box) {
		server := (&mailtest.Server{}).Start(t)
		server.Set(mailtest.Rejecting)
		s := b.sender(t, open(t, server.URL("smtp")))
		id := b.put(t, "ann@example.com")
		s.Wake()
		await(t, "the mail is given up", recovery, func() bool { return b.row(t, id).State == account.MailFailed })
		m := b.row(t, id)
		if want := "RCPT: 550 no such user; see [link]"; m.Answer != want || m.Tries != 1 {
			t.Errorf("after %d tries:\n got: %q\nwant: %q", m.Tries, m.Answer, want)
		}
		if strings.Contains(b.log.String(), "https://") || strings.Contains(b.log.String(), "ann@") {
			t.Errorf("the log says too much:\n%s", b.log)
		}
		server.Set(mailtest.Well)
		if ok, err := b.RetryMail(t.Context(), id, b.now()); !ok || err != nil {
			t.Fatalf("retry: %v, %v", ok, err)
		}
		s.Wake()
		await(t, "the mail is sent after all", recovery, func() bool { return b.row(t, id).State == account.MailSent })
		if ok, err := b.RetryMail(t.Context(), id, b.now()); ok || err != nil {
			t.Errorf("a mail that was sent is sent again: %v, %v", ok, err)
		}
	})
}

func TestAMailIsGivenUpAfterThreeDays(t *testing.T) {
	b := newBox(t, engines["sqlite"](t))
	server := (&mailtest.Server{}).Start(t)
	server.Set(mailtest.Refusing)
	id := b.put(t, "ann@example.com")
	b.now = func() time.Time { return time.Now().Add(73 * time.Hour) }
	s := b.sender(t, open(t, server.URL("smtp")))
	s.Wake()
	await(t, "the mail is given up", recovery, func() bool { return b.row(t, id).State == account.MailFailed })
	if m := b.row(t, id); !strings.HasPrefix(m.Answer, "given up after three days: ") || m.Sealed == nil {
		t.Errorf("got %+v", m)
	}
}

func TestAnAnswerThatIsLostDoublesOneMail(t *testing.T) {
	b := newBox(t, engines["sqlite"](t))
	server := (&mailtest.Server{}).Start(t)
	server.Set(mailtest.Undecided)
	s := b.sender(t, open(t, server.URL("smtp")))
	id := b.put(t, "ann@example.com")
	s.Wake()
	await(t, "the server has the mail", recovery, func() bool { return len(server.Mails()) == 1 })
	server.Set(mailtest.Well)
	await(t, "the mail counts as sent", recovery, func() bool { return b.row(t, id).State == account.MailSent })
	mails := server.Mails()
	if len(mails) != 2 || mails[0].ID() != mails[1].ID() {
		t.Errorf("got %d mails, want two with one Message-ID", len(mails))
	}
}

func TestTwoSendersSendAMailOnce(t *testing.T) {
	onEachEngine(t, func(t *testing.T, b *box) {
		server := (&mailtest.Server{}).Start(t)
		var to []string
		for n := range 60 {
			to = append(to, fmt.Sprintf("u%d@example.com", n))
			b.put(t, to[n])
		}
		for range 3 {
			b.sender(t, open(t, server.URL("smtp"))).Wake()
		}
		await(t, "every mail is sent", recovery, func() bool { n, err := b.WaitingMails(t.Context()); return n == 0 && err == nil })
		once(t, server, to)
	})
}
