package crash

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// answer is the whole answer to a request, as far as these tests want to know it.
type answer struct {
	Status  int       `json:"status"`
	Request string    `json:"request"` // the server's id of the request
	At      time.Time `json:"at"`
	Code    string    `json:"code,omitempty"`

	RetryAfter string `json:"-"`

	User    int64  `json:"user,omitempty"`
	Name    string `json:"name,omitempty"`
	Access  string `json:"access,omitempty"`
	Refresh string `json:"refresh,omitempty"`
}

// caller asks a server's own API. It keeps its connection.
type caller struct {
	base string
	http *http.Client
}

func newCaller(addr string) *caller {
	return &caller{"http://" + addr, &http.Client{Transport: &http.Transport{}, Timeout: 30 * time.Second}}
}

func (c *caller) close() { c.http.CloseIdleConnections() }

// members is a JSON object of texts.
type members = map[string]string

// call sends a request. An error says that there was no whole answer.
func (c *caller) call(method, path, access string, body any) (answer, error) {
	var text []byte
	var err error
	if body != nil {
		if text, err = json.Marshal(body); err != nil {
			return answer{}, err
		}
	}
	r, err := http.NewRequest(method, c.base+path, bytes.NewReader(text))
	if err != nil {
		return answer{}, err
	}
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if access != "" {
		r.Header.Set("Authorization", "Bearer "+access)
	}
	res, err := c.http.Do(r)
	if err != nil {
		return answer{}, err
	}
	defer res.Body.Close()
	return read(res)
}

func read(res *http.Response) (answer, error) {
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return answer{}, err
	}
	type user struct {
		ID   int64  `json:"id"`
		Name string `json:"name"`
	}
	var in struct {
		user
		User    user   `json:"user"`
		Code    string `json:"code"`
		Access  string `json:"access_token"`
		Refresh string `json:"refresh_token"`
	}
	if len(text) > 0 {
		if err := json.Unmarshal(text, &in); err != nil {
			return answer{}, fmt.Errorf("read %q: %w", text, err)
		}
	}
	return answer{
		Status: res.StatusCode, Request: res.Header.Get("X-Request-Id"), At: time.Now(), Code: in.Code, RetryAfter: res.Header.Get("Retry-After"),
		User: in.user.ID + in.User.ID, Name: in.user.Name + in.User.Name, Access: in.Access, Refresh: in.Refresh,
	}, nil
}

func (c *caller) signUp(email, password string) (answer, error) {
	return c.call("POST", "/v1/sign-up", "", members{"email": email, "password": password})
}

func (c *caller) signIn(email, password string) (answer, error) {
	return c.call("POST", "/v1/sign-in", "", members{"email": email, "password": password})
}

func (c *caller) refresh(token string) (answer, error) {
	return c.call("POST", "/v1/refresh", "", members{"refresh_token": token})
}

func (c *caller) me(access string) (answer, error) {
	return c.call("GET", "/v1/me", access, nil)
}

// setClock turns the server's clock: to t, or with the zero time to the real one.
func (c *caller) setClock(t time.Time) error {
	body := map[string]any{"now": nil}
	if !t.IsZero() {
		body["now"] = t.UTC()
	}
	a, err := c.call("POST", "/dev/clock", "", body)
	if err == nil && a.Status != http.StatusOK {
		err = fmt.Errorf("turn the clock: status %d", a.Status)
	}
	return err
}
