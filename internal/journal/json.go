package journal

import (
	"bytes"
	"encoding/json"
	"strconv"
	"time"

	"doorward/internal/web"
)

// appendJSON writes a line byte for byte as slog.JSONHandler does.
func appendJSON(b []byte, l *web.Line) []byte {
	b = append(b, `{"time":"`...)
	b = l.At.AppendFormat(b, time.RFC3339Nano)
	b = append(b, `","level":"INFO","msg":"request","method":`...)
	b = appendText(b, l.Method)
	b = append(b, `,"path":`...)
	b = appendText(b, l.Path)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(l.Status), 10)
	b = append(b, `,"bytes":`...)
	b = strconv.AppendInt(b, l.Bytes, 10)
	b = append(b, `,"us":`...)
	b = strconv.AppendInt(b, l.Took.Microseconds(), 10)
	b = append(b, `,"client":"`...)
	if l.Client.IsValid() {
		b = l.Client.AppendTo(b) // an address without a zone needs no escapes
	} else {
		b = append(b, "invalid IP"...)
	}
	b = append(b, `","id":`...)
	b = appendText(b, l.ID)
	if l.Op != "" {
		b = append(b, `,"op":`...)
		b = appendText(b, l.Op)
	}
	if l.User != 0 {
		b = append(b, `,"user":`...)
		b = strconv.AppendInt(b, l.User, 10)
	}
	return append(b, "}\n"...)
}

// appendText quotes what a client may have chosen.
func appendText(b []byte, text string) []byte {
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return appendOdd(b, text)
		}
	}
	b = append(b, '"')
	b = append(b, text...)
	return append(b, '"')
}

// appendOdd quotes text that has something to escape.
func appendOdd(b []byte, text string) []byte {
	var quoted bytes.Buffer
	e := json.NewEncoder(&quoted)
	e.SetEscapeHTML(false)
	_ = e.Encode(text) // a text always has JSON
	return append(b, bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))...)
}
