package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Occasion is why a mail is sent.
type Occasion string

// The occasions.
const (
	ActivationMail      Occasion = "activation"       // the link that activates an account
	ConfirmationMail    Occasion = "confirmation"     // the account was activated
	PasswordResetMail   Occasion = "password_reset"   // the link that sets another password
	PasswordChangedMail Occasion = "password_changed" // it was set
	LoginResetMail      Occasion = "login_reset"      // the link that changes what the user signs in with
	LoginChangedMail    Occasion = "login_changed"    // it was changed
	AddressChangedMail  Occasion = "address_changed"  // the address was; this goes to the one before
	AddressTakenMail    Occasion = "address_taken"    // somebody signs up with it, in private
	VerifyEmailMail     Occasion = "verify_email"     // the key that shows an address to be its owner's
)

// Notice is what a user is told by mail, before it has words.
type Notice struct {
	Occasion Occasion
	User     *User
	// UID and Token are those of the link, Token alone its key; "" where there is none. They are a secret until used.
	UID, Token string
	Asker      Asker
}

// Asker is what a mail's links and words may depend on of the request that caused it.
type Asker struct {
	// Origin is the request's own "https://host:port". A Composer uses it in development only:
	// whoever asks can write any Host header.
	Origin    string
	Languages []string // best first, as BCP 47 tags; empty: not said
}

// Message is a mail, ready to be sent.
type Message struct {
	ID      string `json:"id"`   // of the Message-ID header, without its brackets
	From    string `json:"from"` // with a name or without, RFC 5322
	To      string `json:"to"`   // one bare address
	Subject string `json:"subject"`
	Text    string `json:"text"`
	HTML    string `json:"html,omitempty"`
}

// Composer gives a notice its words and its links. It does no I/O: it runs inside a transaction.
type Composer interface {
	Compose(p *Policy, n *Notice) (Message, error)
}

// MailState is what became of a mail.
type MailState uint8

// The states of a mail, by the numbers that rows hold.
const (
	MailWaiting MailState = iota + 1 // to be sent, or being sent
	MailSent                         // a server took it
	MailFailed                       // given up
)

// ToNobody is the user id of a mail that is never sent. Writing it, claiming it and forgetting it costs what a mail
// to somebody costs the database.
const ToNobody int64 = 0

// Mail is a row of the outbox. It rests sealed: what it says may open an account.
type Mail struct {
	ID       int64 // 0 until it is inserted
	UserID   int64
	Occasion Occasion
	Sealed   []byte // nil once it was sent
	Created  time.Time

	// What follows is the sender's.
	State   MailState
	Tries   int
	Due     time.Time // of a waiting one: when it is tried next; of a claimed one, when its claim ends
	Settled time.Time
	Answer  string // the server's last words, or the reason of the failure
}

// ErrOutboxFull is what a Writer answers when too many mails wait already.
var ErrOutboxFull = errors.New("the outbox is full")

// outboxRetry is when somebody whose mail had no room may try again.
const outboxRetry = time.Minute

// notify puts a mail into the outbox, in the transaction of its cause. Call mailed once that is
// committed. Nothing is sent to nobody, nor where no mail is configured.
func (s *Service) notify(ctx context.Context, w Writer, p *Policy, n *Notice) error {
	if s.composer == nil || n.User.Email == "" {
		return nil
	}
	m, err := s.composer.Compose(p, n)
	if err != nil {
		return fmt.Errorf("compose the %s mail for user %d: %w", n.Occasion, n.User.ID, err)
	}
	row := Mail{UserID: n.User.ID, Occasion: n.Occasion, Created: s.now()}
	if row.Sealed, err = s.sealMail(&row, &m); err != nil {
		return err
	}
	err = w.InsertMail(ctx, &row)
	if errors.Is(err, ErrOutboxFull) {
		return &Error{Problems: []Problem{{Code: Busy}}, RetryAfter: outboxRetry}
	}
	return err
}

// mailed tells the sender that the outbox may have something new.
func (s *Service) mailed(ctx context.Context) {
	if s.wakeMail != nil {
		s.wakeMail(ctx)
	}
}

func (s *Service) sealMail(row *Mail, m *Message) ([]byte, error) {
	plain, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the mail of user %d: %w", row.UserID, err)
	}
	return s.mailBox.Seal(plain, row.place()), nil
}

// OpenMail is the message of a row of the outbox.
func (s *Service) OpenMail(row *Mail) (m Message, err error) {
	plain, err := s.mailBox.Open(row.Sealed, row.place())
	if err == nil {
		err = json.Unmarshal(plain, &m)
	}
	if err != nil {
		return Message{}, fmt.Errorf("open mail %d of user %d: %w", row.ID, row.UserID, err)
	}
	return m, nil
}

// place binds a sealed mail to its user and occasion.
func (m *Mail) place() []byte {
	return []byte("outbox " + string(m.Occasion) + " " + strconv.FormatInt(m.UserID, 10))
}
