package native

import (
	"encoding/json"
	"net/http"
	"time"

	"doorward/internal/account"
	"doorward/internal/web"
)

// sessionData is a session in an export. The marks and counters of the server tell nothing.
type sessionData struct {
	Mount     string     `json:"mount"`
	Signed    time.Time  `json:"signed_in_at"`
	Refreshed time.Time  `json:"refreshed_at"`
	Expires   time.Time  `json:"expires_at"`
	Ended     *time.Time `json:"ended_at"`
}

// export answers with all that is kept of who asks, as far as he may read it.
func (a *API) export(w http.ResponseWriter, r *web.Request) error {
	u, sessions, err := a.accounts.Own(r.Context(), r.Who)
	if err != nil {
		return err
	}
	list := make([]sessionData, len(sessions))
	for i := range sessions {
		s := &sessions[i]
		list[i] = sessionData{Mount: s.Mount, Signed: s.Created.UTC(), Refreshed: s.Rotated.UTC(), Expires: s.Expires.UTC()}
		if !s.Ended.IsZero() {
			ended := s.Ended.UTC()
			list[i].Ended = &ended
		}
	}
	w.Header().Set("Content-Disposition", `attachment; filename="account.json"`)
	return reply(w, http.StatusOK, object{{"user", personal(a.accounts.Model().Data(&u, own(&u)))}, {"sessions", list}})
}

func personal(data []account.Datum) object {
	o := object{}
	for _, d := range data {
		if inner, ok := d.Value.([]account.Datum); ok {
			d.Value = personal(inner)
		}
		o = append(o, member{d.Name, d.Value})
	}
	return o
}

// exported are the members of an export.
func (a *API) exported() []web.Field {
	at := func(name string) web.Field { return web.Field{Name: name, Kind: web.Moment} }
	ended := at("ended_at")
	ended.Null = true
	sessions := []web.Field{{Name: "mount"}, at("signed_in_at"), at("refreshed_at"), at("expires_at"), ended}
	return []web.Field{{Name: "user", Required: true, Fields: a.personFields()}, {Name: "sessions", Required: true, Many: true, Fields: sessions}}
}

// member is one member of an object that has an order.
type member struct {
	name  string
	value any
}

// object is written in its order.
type object []member

// MarshalJSON implements json.Marshaler.
func (o object) MarshalJSON() ([]byte, error) {
	b := []byte("{")
	for i, m := range o {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(m.name)
		if err != nil {
			return nil, err
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, name...), ':'), value...)
	}
	return append(b, '}'), nil
}
