package server

import (
	"slices"
	"strings"
	"testing"

	"doorward/internal/account"
	"doorward/internal/config"
)

func TestAuthenticatorsAndRates(t *testing.T) {
	model := account.OwnModel(account.Email, account.Folded)
	for _, tt := range []struct {
		preset string
		rest   config.REST
		want   string // in the refusal; "": none
	}{
		{"djoser", config.REST{Authenticators: []string{"opaque", "simplejwt"}, RateUser: "3/minute"}, ""},
		{"djoser1", config.REST{Authenticators: []string{"drf-jwt"}, HeaderPrefix: "Bearer"}, ""},
		{"djoser", config.REST{Authenticators: []string{"drf-jwt"}}, `authenticators names "drf-jwt"`},
		{"djoser1", config.REST{Authenticators: []string{"simplejwt"}}, `authenticators names "simplejwt"`},
		{"djoser", config.REST{HeaderPrefix: "JWT"}, `try: header_types = ["JWT"]`},
		{"simplejwt", config.REST{Authenticators: []string{"opaque"}}, "do not go with this preset"},
		{"simplejwt", config.REST{RateAnonymous: "3/minute"}, "do not go with this preset"},
		{"v1", config.REST{RateUser: "3/minute"}, "do not go with this preset"},
	} {
		m, err := mountOf("here", config.Mount{Preset: tt.preset, REST: tt.rest}, model)
		if tt.want != "" {
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Count(err.Error(), "\n") != 2 {
				t.Errorf("%s with %+v\n got: %v\nwant: three lines with %q", tt.preset, tt.rest, err, tt.want)
			}
			continue
		}
		if err != nil || !slices.Equal(m.auth, tt.rest.Authenticators) || (m.throttle != nil) != (tt.rest.RateUser != "") ||
			tt.rest.HeaderPrefix != "" && m.header != tt.rest.HeaderPrefix {
			t.Errorf("%s with %+v\n got: %v, %v, %q, %v", tt.preset, tt.rest, err, m.auth, m.header, m.throttle)
		}
	}
}
