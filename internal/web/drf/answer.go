package drf

import (
	"net/http"
	"strconv"

	"doorward/internal/web"
)

// answer is the ResponseWriter that handlers get from a view. It knows what was negotiated.
type answer struct {
	http.ResponseWriter
	indent int  // blanks a level; 0: compact
	html   bool // the client would rather see a page
	xml    bool
	head   bool // a HEAD request: headers only
	began  bool
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.began = true
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	a.began = true
	if a.head {
		return len(b), nil
	}
	return a.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// Values of headers that never change, shared by all answers.
var (
	jsonType     = []string{jsonMedia}
	xmlType      = []string{xmlMedia + "; charset=utf-8"}
	frameDeny    = []string{"DENY"}
	noSniff      = []string{"nosniff"}
	sameOrigin   = []string{"same-origin"}
	neverStored  = []string{"no-store"}
	varyAccept   = []string{"Accept"}
	varyLanguage = []string{"Accept", "Accept-Language"} // as Django's LocaleMiddleware tells caches
)

// JSON answers with v: nil (no body), string, bool, int, int64, []string, Object, []Object. It
// fails before anything is written, and only when v holds another type.
func JSON(w http.ResponseWriter, status int, v any) error {
	if v == nil {
		w.Header()["Content-Length"] = []string{"0"}
		w.WriteHeader(status)
		return nil
	}
	b := web.Lend()
	defer b.GiveBack()
	media, err := render(b, w, v)
	if err != nil {
		return err
	}
	h := w.Header()
	h["Content-Type"] = media
	h["Content-Length"] = []string{strconv.Itoa(len(b.Bytes))}
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes) // a client that is gone needs no answer
	return nil
}

// render writes v to b in the way that was negotiated. Pages for browsers will start here: for now
// they get JSON too (docs/divergences).
func render(b *web.Buffer, w http.ResponseWriter, v any) (media []string, err error) {
	indent := 0
	if a, ok := w.(*answer); ok {
		if a.xml {
			b.Bytes, err = encodeXML(b.Bytes, v)
			return xmlType, err
		}
		indent = a.indent
	}
	b.Bytes, err = encode(b.Bytes, v, indent)
	return jsonType, err
}

// NoContent answers 204.
func NoContent(w http.ResponseWriter) error {
	w.WriteHeader(http.StatusNoContent)
	return nil
}
