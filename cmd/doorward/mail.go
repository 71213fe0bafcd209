package main

import (
	"context"
	"fmt"

	"doorward/internal/account"
	"doorward/internal/server"
)

type mailCmd struct {
	List  mailList  `cmd:"" help:"List mails, the latest first, and what became of them."`
	Retry mailRetry `cmd:"" help:"Send a mail that failed again."`
}

// shownMail is a mail as commands print it. What it says is sealed, and is not printed.
type shownMail struct {
	ID       int64  `json:"id"`
	UserID   int64  `json:"user_id"`
	Occasion string `json:"occasion"`
	State    string `json:"state"`
	Tries    int    `json:"tries"`
	Created  string `json:"created"`
	Settled  string `json:"settled"`
	Answer   string `json:"answer"`
}

var mailStates = map[account.MailState]string{account.MailWaiting: "waiting", account.MailSent: "sent", account.MailFailed: "failed"}

type mailList struct {
	Before int64 `help:"Start before this id." placeholder:"ID"`
	Limit  int   `help:"How many at most." default:"100"`
}

// Run lists mails.
func (l *mailList) Run(c *console) error {
	if l.Limit < 1 || l.Limit > 10000 {
		return usageError(fmt.Sprintf("--limit goes from 1 to 10000\n  it is %d\n  try: doorward mail list --limit 100", l.Limit))
	}
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		mails, err := srv.Mails(ctx, l.Before, l.Limit)
		if err != nil {
			return err
		}
		list := make([]shownMail, len(mails))
		rows := [][]string{{"id", "user", "occasion", "state", "tries", "created", "answer"}}
		for i := range mails {
			m := &mails[i]
			s := shownMail{m.ID, m.UserID, string(m.Occasion), mailStates[m.State], m.Tries, at(m.Created), at(m.Settled), m.Answer}
			list[i] = s
			rows = append(rows, []string{fmt.Sprint(s.ID), fmt.Sprint(s.UserID), s.Occasion, s.State, fmt.Sprint(s.Tries), s.Created, s.Answer})
		}
		if err := c.result(list, rows); err != nil {
			return err
		}
		if len(mails) == l.Limit {
			c.say("more: doorward mail list --before %d", mails[len(mails)-1].ID)
		}
		return nil
	})
}

type mailRetry struct {
	ID int64 `arg:"" help:"Id of the mail."`
}

// Run makes a mail that failed wait again; the server that runs sends it within seconds.
func (r *mailRetry) Run(c *console) error {
	return c.withAccounts(func(ctx context.Context, srv *server.Server) error {
		again, err := srv.RetryMail(ctx, r.ID)
		if err != nil {
			return err
		}
		if !again {
			return fmt.Errorf("mail %d did not fail\n  only a mail that failed, and is not forgotten, is sent again\n  try: doorward mail list", r.ID)
		}
		c.say("mail %d waits to be sent again", r.ID)
		return nil
	})
}
