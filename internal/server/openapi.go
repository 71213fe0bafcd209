package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"doorward/internal/config"
	"doorward/internal/django"
	"doorward/internal/token"
	"doorward/internal/web"
	"doorward/internal/web/openapi"
)

// schemes are the ways of saying who is asking in the mount.
func (m *mountPlan) schemes() (all []web.Scheme) {
	const header = "Authorization"
	names := m.auth
	switch {
	case m.policy.Tokens.Rotating:
		return []web.Scheme{{Name: "token", Header: header, Word: "Bearer"}}
	case names == nil && m.policy.Tokens.Typed != nil:
		names = []string{django.AuthSimpleJWT}
	}
	for _, name := range names {
		switch name {
		case django.AuthDRFJWT:
			all = append(all, web.Scheme{Name: name, Header: header, Word: m.header})
		case django.AuthSimpleJWT:
			o := m.simpleOptions()
			all = append(all, web.Scheme{Name: name, Header: o.Header, Word: o.Types[0]})
			if k := &m.rest.pair; k.Opens && k.Access != "" {
				all = append(all, web.Scheme{Name: "access-cookie", Cookie: k.Access})
			}
		case django.AuthOpaque:
			all = append(all, web.Scheme{Name: name, Header: header, Word: "Token"})
		case django.AuthBasic:
			all = append(all, web.Scheme{Name: name, Header: header, Word: "Basic"})
		case django.AuthSession:
			all = append(all, web.Scheme{Name: name, Cookie: "sessionid"})
		}
	}
	return all
}

// OpenAPI describes what a configuration mounts, or the one mount that is named, in JSON. It opens no database.
func OpenAPI(cfg *config.Config, mount, version string) ([]byte, error) {
	p, err := planOf(cfg, token.Secret{}, token.Secret{})
	if err != nil {
		return nil, err
	}
	var mounts []web.Mount
	err = rehearseWith(cfg, p, func(site *web.Site) error {
		for _, m := range site.Mounts() {
			if mount == "" || m.Name == mount {
				mounts = append(mounts, m)
			}
		}
		return nil
	})
	if err == nil && len(mounts) == 0 {
		err = fmt.Errorf("nothing is mounted as %q\n  there are: %s\n  try: doorward openapi", mount, strings.Join(Mounted(cfg), ", "))
	}
	if err != nil {
		return nil, err
	}
	return describe(mounts, cfg.PublicURL, version)
}

func describe(mounts []web.Mount, url, version string) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", " ")
	if err := encoder.Encode(openapi.New(mounts, openapi.Options{Version: version, URL: url})); err != nil {
		return nil, fmt.Errorf("write the OpenAPI document: %w", err)
	}
	return b.Bytes(), nil
}

// openAPI serves the document of a world. It is made when it is asked for first.
func (s *Server) openAPI(world *world) http.HandlerFunc {
	made := sync.OnceValues(func() ([]byte, error) { return describe(world.site.Mounts(), s.cfg.PublicURL, s.version) })
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := made()
		if err != nil {
			web.Fault(s.log, w, r, err)
			status(w, http.StatusInternalServerError, "internal error")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	}
}
