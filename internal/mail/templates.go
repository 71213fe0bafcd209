package mail

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"doorward/internal/account"
	"doorward/internal/language"
	"doorward/internal/mail/wording"
)

//go:embed templates/*.html
var embedded embed.FS

// template is the three parts of a mail. One without HTML is text alone.
type template struct{ subject, text, html []wording.Node }

// templates are those of every occasion: own by language first, then for all.
type templates struct {
	own map[string]map[account.Occasion]*template // by language; "" are for all
}

// fileNames are djoser's names for the occasions.
var fileNames = map[account.Occasion]string{
	account.ActivationMail:      "activation",
	account.ConfirmationMail:    "confirmation",
	account.PasswordResetMail:   "password_reset",
	account.PasswordChangedMail: "password_changed_confirmation",
	account.LoginResetMail:      "username_reset",
	account.LoginChangedMail:    "username_changed_confirmation",
	account.AddressChangedMail:  "address_changed",
	account.AddressTakenMail:    "address_taken",
	account.VerifyEmailMail:     "email_confirmation",
}

func (t *templates) of(o account.Occasion, lang string) *template {
	if own := t.own[lang][o]; own != nil {
		return own
	}
	return t.own[""][o]
}

// readTemplates reads the templates that come with Doorward, and those of a folder over them. A
// template for one language lies in a folder of that name: de/activation.html.
func readTemplates(folder string) (*templates, error) {
	t := &templates{own: map[string]map[account.Occasion]*template{"": {}}}
	inner, err := fs.Sub(embedded, "templates")
	if err != nil {
		return nil, err
	}
	if err := t.read(reader{places: []fs.FS{inner}}, ""); err != nil {
		return nil, err
	}
	if folder == "" {
		return t, nil
	}
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return nil, fmt.Errorf("the folder of mail templates %s is not there", folder)
	}
	outer := os.DirFS(folder)
	if err := t.read(reader{places: []fs.FS{outer}, includes: []fs.FS{outer, inner}}, ""); err != nil {
		return nil, err
	}
	for _, lang := range language.Known() {
		if info, err := os.Stat(filepath.Join(folder, lang)); err != nil || !info.IsDir() {
			continue
		}
		own := os.DirFS(filepath.Join(folder, lang))
		t.own[lang] = map[account.Occasion]*template{}
		if err := t.read(reader{places: []fs.FS{own}, includes: []fs.FS{own, outer, inner}}, lang); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// read takes the templates of one place, for one language or ("") for all.
func (t *templates) read(r reader, lang string) error {
	if r.includes == nil {
		r.includes = r.places
	}
	for occasion, name := range fileNames {
		found, err := r.template(name)
		if err != nil {
			return err
		}
		if found == nil {
			continue
		}
		// What a file leaves out is ours, but for the HTML: that would say something else.
		if standard := t.own[""][occasion]; standard != nil {
			if found.subject == nil {
				found.subject = standard.subject
			}
			if found.text == nil {
				found.text = standard.text
			}
		}
		t.own[lang][occasion] = found
	}
	return nil
}

// reader finds files in the first place that has them.
type reader struct{ places, includes []fs.FS }

// template reads the file of an occasion, as djoser has it: email/NAME.html, or NAME.html, with the
// blocks subject, text_body and html_body. Else it reads Django's registration/NAME_email.html (a
// text) and NAME_subject.txt. nil: there is none.
func (r *reader) template(name string) (*template, error) {
	for _, file := range []string{"email/" + name + ".html", name + ".html"} {
		nodes, err := r.file(r.places, file, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		parts := map[string][]wording.Node{}
		wording.Blocks(nodes, parts)
		t := &template{subject: parts["subject"], text: parts["text_body"], html: parts["html_body"]}
		if t.subject == nil && t.text == nil && t.html == nil {
			return nil, fmt.Errorf("the mail template %s has none of the blocks subject, text_body and html_body", file)
		}
		return t, nil
	}
	var t template
	for file, part := range map[string]*[]wording.Node{name + "_email.html": &t.text, name + "_subject.txt": &t.subject} {
		nodes, err := r.file(r.places, "registration/"+file, 0)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		*part = nodes
	}
	if t.text == nil && t.subject == nil {
		return nil, nil
	}
	return &t, nil
}

// maxDepth is how deep templates may include each other.
const maxDepth = 5

func (r *reader) file(places []fs.FS, name string, depth int) ([]wording.Node, error) {
	if depth > maxDepth {
		return nil, fmt.Errorf("mail templates include each other more than %d deep", maxDepth)
	}
	for _, place := range places {
		text, err := fs.ReadFile(place, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read the mail template %s: %w", name, err)
		}
		nodes, err := wording.Parse(string(text), func(other string) ([]wording.Node, error) {
			if !fs.ValidPath(other) {
				return nil, fmt.Errorf("%q is no name of a template", other)
			}
			nodes, err := r.file(r.includes, other, depth+1)
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("includes %q, which is not there", other) // the template itself is there
			}
			return nodes, err
		})
		if err != nil {
			return nil, fmt.Errorf("the mail template %s: %w", strings.TrimPrefix(name, "./"), err)
		}
		return nodes, nil
	}
	return nil, fmt.Errorf("the mail template %s: %w", name, fs.ErrNotExist)
}
