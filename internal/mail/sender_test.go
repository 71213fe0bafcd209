package mail_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/mail"
)

func TestAMailLiesInItsFolderWhenFlushReturns(t *testing.T) {
	onEachEngine(t, func(t *testing.T, b *box) {
		path := filepath.Join(t.TempDir(), "mail")
		folder, err := mail.NewFolder(path)
		if err != nil {
			t.Fatal(err)
		}
		s := b.sender(t, folder)
		for n, to := range addresses(20) {
			id := b.put(t, to)
			s.Flush(t.Context())
			files, err := filepath.Glob(filepath.Join(path, "*"))
			if err != nil || len(files) != n+1 {
				t.Fatalf("after mail %d: got %d files, %v", n+1, len(files), err)
			}
			text, err := os.ReadFile(files[n])
			if err != nil || !strings.Contains(string(text), "To: <"+to+">\r\n") {
				t.Fatalf("the last file is not to %s: %v\n%s", to, err, text)
			}
			if m := b.row(t, id); m.State != account.MailSent || m.Sealed != nil || !strings.HasPrefix(m.Answer, "written to ") {
				t.Errorf("its row: got %+v", m)
			}
		}
	})
}
