package server

import (
	"context"
	"fmt"
	"time"

	"doorward/internal/account"
	"doorward/internal/config"
	"doorward/internal/mail"
	"doorward/internal/store"
)

// mailFlush is how long an answer waits in development for the mails that it caused.
const mailFlush = 5 * time.Second

// composerOf reads the templates; nil where no mail is configured.
func composerOf(cfg *config.Config) (*mail.Composer, error) {
	if cfg.MailURL == "" {
		return nil, nil
	}
	composer, err := mail.NewComposer(mail.ComposerOptions{
		Templates: cfg.Mail.Templates, PublicURL: cfg.PublicURL, From: cfg.Mail.From, Language: cfg.Mail.Language, Development: cfg.Dev,
	})
	if err != nil {
		return nil, fmt.Errorf("mails cannot be written\n  %w\n  try: see docs/mail.md", err)
	}
	return composer, nil
}

// openTransport opens the way out. In development a copy of every mail is caught.
func (s *Server) openTransport() (err error) {
	if s.cfg.Dev {
		s.catcher = mail.NewCatcher()
	}
	switch {
	case s.cfg.MailURL == "":
		return nil
	case s.cfg.MailURL == "catch:" && s.catcher != nil:
		s.transport = s.catcher
		return nil
	}
	if s.transport, err = mail.Open(s.cfg.MailURL, s.cfg.Dev, s.log); err != nil {
		return fmt.Errorf("mail_url cannot be used\n  %w\n  try: mail_url = \"catch:\"", err)
	}
	if s.catcher != nil {
		s.transport = mail.Copy(s.transport, s.catcher)
	}
	return nil
}

// checkMail says what keeps the mails of a plan from being written.
func checkMail(composer *mail.Composer, p *plan) error {
	for i := range p.mounts {
		policy := &p.mounts[i].policy.Mail
		if composer == nil && p.mounts[i].policy.PrivateSignUp {
			return fmt.Errorf("[mounts.%s] signup_privacy needs mail\n  who signs up is told by mail what came of it\n  try: mail_url = \"smtp://…\"", p.mounts[i].name)
		}
		if composer == nil && p.mounts[i].policy.Emails.Verify == account.VerifyFirst {
			return fmt.Errorf("[mounts.%s] email_verification = \"mandatory\" needs mails\n  nobody could confirm his address\n  try: mail_url = \"smtp://localhost\"", p.mounts[i].name)
		}
		if composer == nil || !sends(policy) {
			continue
		}
		if err := composer.Check(policy); err != nil {
			return fmt.Errorf("[mounts.%s] cannot send its mails\n  %w\n  try: public_url = \"https://example.com\"", p.mounts[i].name, err)
		}
	}
	return nil
}

// sends reports whether a mount may send any mail.
func sends(p *account.MailPolicy) bool {
	return p.Activation || p.Confirmation || p.PasswordChanged || p.LoginChanged || p.PasswordResetURL != "" || p.LoginResetURL != "" ||
		p.AddressChanged || p.VerifyURL != ""
}

// mailing makes the sender of a world and what its service needs to write mails. Nothing is sent
// until the sender starts.
func (s *Server) mailing(w *world, o *account.Options) {
	if s.transport == nil {
		return
	}
	o.Composer = s.composer
	// In development a mail has left before the answer goes out, so that a test finds it there.
	wait := s.cfg.Dev && s.transport.Local()
	o.WakeMail = func(ctx context.Context) {
		if !wait {
			w.sender.Wake()
			return
		}
		ctx, cancel := context.WithTimeout(ctx, mailFlush)
		defer cancel()
		w.sender.Flush(ctx)
	}
}

// sendMails starts the job that empties the outbox. Commands that open a server for a moment leave
// its mails to the one that serves.
func (s *Server) sendMails() {
	if s.transport == nil {
		return
	}
	s.home.sender.Start()
}

// newSender makes the job that empties a world's outbox.
func (s *Server) newSender(w *world) *mail.Sender {
	return mail.NewSender(mail.SenderOptions{
		Outbox: w.db, Open: w.accounts.OpenMail, Transport: s.transport, Now: s.clock.Now, Tick: s.tick, Log: s.log,
		Counts: &s.mails, Alone: func() bool { return s.unlock != nil && w == s.home && w.db.Engine() == store.SQLite },
	})
}

// Mails lists the outbox, the latest first, from the one before `before`; 0: from the last one.
func (s *Server) Mails(ctx context.Context, before int64, limit int) ([]account.Mail, error) {
	return s.home.db.Mails(ctx, before, limit)
}

// RetryMail makes a mail that failed wait again, and reports whether it had failed.
func (s *Server) RetryMail(ctx context.Context, id int64) (bool, error) {
	return s.home.db.RetryMail(ctx, id, s.clock.Now())
}

// waitingMails is for the metrics: how many mails are not sent yet.
func (s *Server) waitingMails() float64 {
	ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
	defer cancel()
	n, err := s.now().db.WaitingMails(ctx)
	if err != nil {
		s.log.Warn("mails that wait are not counted", "error", err)
	}
	return float64(n)
}
