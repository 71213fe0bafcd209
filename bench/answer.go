//go:build linux

package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// answer is one response, valid until its connection is read again.
type answer struct {
	status int
	header []byte // the status line and the fields, as they came
	body   []byte
}

// errResponse says that a server sent what this client does not read.
var errResponse = errors.New("response is not understood")

var (
	headEnd    = []byte("\r\n\r\n")
	lengthLine = []byte("\r\nContent-Length: ") // as net/http writes it
)

// parseAnswer reads one response from the front of b: a status, fields, and a body of a stated
// length. size is 0 while it is not all there.
func parseAnswer(b []byte) (a answer, size int, err error) {
	end := bytes.Index(b, headEnd)
	if end < 0 {
		if len(b) > maxHead {
			return a, 0, fmt.Errorf("%w: the head is longer than %d bytes", errResponse, maxHead)
		}
		return a, 0, nil
	}
	a.header = b[:end+2]
	if len(b) < 12 || string(b[:7]) != "HTTP/1." {
		return a, 0, fmt.Errorf("%w: it begins with %.20q", errResponse, b)
	}
	a.status = int(b[9]-'0')*100 + int(b[10]-'0')*10 + int(b[11]-'0')
	if a.status < 200 || a.status > 599 {
		return a, 0, fmt.Errorf("%w: status %.3q", errResponse, b[9:])
	}
	length := 0
	if a.status != 204 && a.status != 304 {
		if length, err = contentLength(a.header); err != nil {
			return a, 0, err
		}
	}
	if size = end + len(headEnd) + length; len(b) < size {
		return a, 0, nil
	}
	a.body = b[end+len(headEnd) : size]
	return a, size, nil
}

const maxHead = 32 << 10

func contentLength(header []byte) (int, error) {
	text := ""
	if i := bytes.Index(header, lengthLine); i >= 0 {
		text, _, _ = strings.Cut(string(header[i+len(lengthLine):min(len(header), i+len(lengthLine)+12)]), "\r")
	} else {
		text = field(header, "Content-Length")
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxBody {
		return 0, fmt.Errorf("%w: it states no length (%.200q)", errResponse, header)
	}
	return n, nil
}

const maxBody = 1 << 20

// field is the value of a header field, in any spelling of its name; "" when it is missing.
func field(header []byte, name string) string {
	for line := range strings.SplitSeq(string(header), "\r\n") {
		key, value, ok := strings.Cut(line, ":")
		if ok && strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// closes reports whether the server ends the connection after this response.
func (a *answer) closes() bool {
	return bytes.Contains(a.header, []byte("\r\nConnection: close")) || a.header[7] == '0'
}

// text is the value of a member of a JSON body whose value is a text without escapes, such as a
// token; "" when it is missing. A JSON reader would cost more than the server does.
func (a *answer) text(member string) string {
	i := bytes.Index(a.body, []byte(`"`+member+`":"`))
	if i < 0 {
		return ""
	}
	rest := a.body[i+len(member)+4:]
	end := bytes.IndexByte(rest, '"')
	if end < 0 {
		return ""
	}
	return string(rest[:end])
}

// String is for messages.
func (a *answer) String() string {
	return fmt.Sprintf("status %d, %.300q", a.status, a.body)
}

// request writes a request out. fields are whole lines without their ends.
func request(method, host, path, body string, fields ...string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: doorward-bench\r\nAccept: */*\r\n", method, path, host)
	for _, f := range fields {
		b.WriteString(f + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	} else if method != "GET" {
		b.WriteString("Content-Length: 0\r\n")
	}
	b.WriteString("\r\n" + body)
	return []byte(b.String())
}
