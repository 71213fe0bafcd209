package drf

import (
	"errors"
	"net/http"
	"strings"

	"doorward/internal/web"
)

// document is a body that was read: its value, and whether a form brought it, which changes what
// an absent or empty field means.
type document struct {
	top  value
	form bool
}

// readDocument reads the body by its content type (rest_framework/parsers.py). No body is an empty
// object, whatever its type.
func readDocument(r *http.Request) (document, error) {
	header := r.Header.Get("Content-Type")
	media := parseMedia(header)
	body, err := readBody(r)
	if err != nil {
		return document{}, err
	}
	isForm := media.main+"/"+media.sub == formMedia || media.main+"/"+media.sub == multipartMedia
	if len(body) == 0 {
		return document{value{kind: object}, isForm}, nil
	}
	parser, what := parserOf(media, speaksXML(r))
	charset, _ := media.get("charset")
	if parser == nil || !isUTF8(charset) {
		return document{}, Detail(http.StatusUnsupportedMediaType, `Unsupported media type "`+header+`" in request.`)
	}
	top, err := parser(body, media)
	if err != nil {
		return document{}, Detail(http.StatusBadRequest, what+" parse error - "+err.Error())
	}
	return document{top, isForm}, nil
}

// parserOf returns who reads media, and what he calls it; takesXML says whether anybody reads that.
func parserOf(media mediaType, takesXML bool) (parse func(body []byte, media mediaType) (value, error), what string) {
	switch {
	case media.matches(jsonMedia):
		return func(body []byte, _ mediaType) (value, error) { return readJSON(body) }, "JSON"
	case media.matches(formMedia):
		return func(body []byte, _ mediaType) (value, error) { return readForm(body) }, "Form"
	case media.matches(multipartMedia):
		return readMultipart, "Multipart form"
	case takesXML && media.matches(xmlMedia):
		return func(body []byte, _ mediaType) (value, error) { return readXML(body) }, "XML"
	}
	return nil, ""
}

// isUTF8 reports whether charset names UTF-8 or a part of it. Django reads others too; here they
// are refused (docs/divergences).
func isUTF8(charset string) bool {
	switch strings.ToLower(charset) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
}

// readBody reads the whole body, or fails with 413.
func readBody(r *http.Request) ([]byte, error) {
	body, err := web.ReadBody(r)
	switch {
	case errors.Is(err, web.ErrBodyTooLarge):
		return nil, Detail(http.StatusRequestEntityTooLarge, "Request body is larger than 64 KiB.")
	case err != nil:
		return nil, Detail(http.StatusBadRequest, "Malformed request.")
	}
	return body, nil
}
