package reference

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// perRound is how many generated requests a round has, after its sign-ins.
const perRound = 24

var authentication = map[string]any{"DEFAULT_AUTHENTICATION_CLASSES": []string{
	"rest_framework_simplejwt.authentication.JWTAuthentication", "rest_framework.authentication.TokenAuthentication",
}}

const worthless = "reference-secret-key-of-no-worth-0123456789"

// links are the settings of djoser without which its mails cannot be made.
func links(more map[string]any) map[string]any {
	all := map[string]any{
		"PASSWORD_RESET_CONFIRM_URL": "#/password/reset/{uid}/{token}", "USERNAME_RESET_CONFIRM_URL": "#/username/reset/{uid}/{token}",
		"ACTIVATION_URL": "#/activate/{uid}/{token}",
	}
	for name, v := range more {
		all[name] = v
	}
	return all
}

var conditions = []condition{
	{name: "djoser", Dialect: "djoser", Settings: map[string]any{
		"SECRET_KEY": worthless, "REST_FRAMEWORK": authentication, "SIMPLE_JWT": map[string]any{"AUTH_HEADER_TYPES": []string{"Bearer"}},
		"DJOSER": links(nil),
	}},
	{name: "djoser with mails", Dialect: "djoser", Settings: map[string]any{
		"SECRET_KEY": worthless, "REST_FRAMEWORK": authentication, "SIMPLE_JWT": map[string]any{"AUTH_HEADER_TYPES": []string{"Bearer", "JWT"}},
		"DOMAIN": "front.example.com", "SITE_NAME": "Example", "DEFAULT_FROM_EMAIL": "noreply@example.com",
		"DJOSER": links(map[string]any{
			"SEND_ACTIVATION_EMAIL": true, "SEND_CONFIRMATION_EMAIL": true, "PASSWORD_CHANGED_EMAIL_CONFIRMATION": true, "USERNAME_CHANGED_EMAIL_CONFIRMATION": true,
		}),
	}},
	{name: "djoser with everything typed twice", Dialect: "djoser", Settings: map[string]any{
		"SECRET_KEY": worthless, "REST_FRAMEWORK": authentication, "SIMPLE_JWT": map[string]any{"AUTH_HEADER_TYPES": []string{"Bearer"}},
		"DJOSER": links(map[string]any{
			"USER_CREATE_PASSWORD_RETYPE": true, "SET_PASSWORD_RETYPE": true, "SET_USERNAME_RETYPE": true, "PASSWORD_RESET_CONFIRM_RETYPE": true,
			"USERNAME_RESET_CONFIRM_RETYPE": true, "PASSWORD_RESET_SHOW_EMAIL_NOT_FOUND": true, "USERNAME_RESET_SHOW_EMAIL_NOT_FOUND": true,
			"LOGOUT_ON_PASSWORD_CHANGE": true, "HIDE_USERS": false,
		}),
	}},
	{name: "profiles", Dialect: "profiles", Settings: map[string]any{
		"SECRET_KEY": worthless, "SIMPLE_JWT": map[string]any{"AUTH_HEADER_TYPES": []string{"Bearer"}},
		"REST_FRAMEWORK": map[string]any{"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework_simplejwt.authentication.JWTAuthentication"}},
		"DJOSER":         links(map[string]any{"TOKEN_MODEL": nil}),
	}},
	{name: "simplejwt", Dialect: "simplejwt", Settings: map[string]any{
		"SECRET_KEY": worthless, "SIMPLE_JWT": map[string]any{"AUTH_HEADER_TYPES": []string{"Bearer"}},
		"REST_FRAMEWORK": map[string]any{
			"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework_simplejwt.authentication.JWTAuthentication"},
			"DEFAULT_PERMISSION_CLASSES":     []string{"rest_framework.permissions.IsAuthenticated"},
		},
	}},
	{name: "simplejwt with a blacklist", Dialect: "simplejwt", Settings: map[string]any{
		"SECRET_KEY": worthless, "token_blacklist": true, "SIMPLE_JWT": map[string]any{
			"AUTH_HEADER_TYPES": []string{"Bearer"}, "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true, "UPDATE_LAST_LOGIN": true,
		},
		"REST_FRAMEWORK": map[string]any{
			"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework_simplejwt.authentication.JWTAuthentication"},
			"DEFAULT_PERMISSION_CLASSES":     []string{"rest_framework.permissions.IsAuthenticated"},
		},
	}},
	{name: "userapi", Dialect: "userapi", Model: "userapi.User", Settings: map[string]any{
		"SECRET_KEY": worthless, "REST_FRAMEWORK": map[string]any{
			"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework.authentication.BasicAuthentication"},
		},
	}},
	{name: "accounts", Dialect: "accounts", Model: "accounts.User", Settings: map[string]any{
		"SECRET_KEY": worthless, "SIMPLE_JWT": map[string]any{"AUTH_HEADER_TYPES": []string{"Bearer"}, "UPDATE_LAST_LOGIN": true},
		"REST_FRAMEWORK": map[string]any{
			"DEFAULT_AUTHENTICATION_CLASSES": []string{"rest_framework_simplejwt.authentication.JWTAuthentication"},
			"DEFAULT_PERMISSION_CLASSES":     []string{"rest_framework.permissions.IsAuthenticated"},
		},
	}},
}

func TestDoorwardAnswersAsDjangoDoes(t *testing.T) {
	for _, c := range conditions {
		t.Run(c.name, func(t *testing.T) {
			if c.Model == "" {
				c.Model = "auth.User"
			}
			c.Variant = c.Dialect
			django, ours := startDjango(t, &c), startDoorward(t, &c)
			asked, explained := 0, map[string]int{}
			for seed := *firstSeed; seed < *firstSeed+uint64(*rounds); seed++ {
				asked += round(t, &c, ours, django, seed, explained)
			}
			t.Logf("%d requests; explained differences: %v", asked, explained)
		})
	}
}

// round plays the requests of one seed, until the first difference that nothing explains: those
// after it may follow from it.
func round(t *testing.T, c *condition, ours, django *peer, seed uint64, explained map[string]int) int {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, uint64(len(c.name))))
	ours.begin(t, people(c.Dialect))
	django.begin(t, people(c.Dialect))
	requests := signIns(c.Dialect)
	for range perRound {
		requests = append(requests, *generate(rng, c.Dialect))
	}
	for i := range requests {
		q := &requests[i]
		mine, theirs := ours.do(t, q), django.do(t, q)
		list := differences(mine, theirs)
		if len(list) == 0 {
			continue
		}
		if e := explain(q, mine, theirs); e != nil {
			explained[e.name]++
			if e.parts {
				return i + 1
			}
			continue
		}
		t.Errorf("seed %d, request %d: %s\n  %s", seed, i, q, strings.Join(list, "\n  "))
		return i + 1
	}
	return len(requests)
}
