package django

import (
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// site takes what belongs to the server as a whole.
func (r *reader) site() {
	s, top := &r.d.Site, r.top
	s.Secret = r.secret() != ""
	fallbacks, _ := drop[[]string](r, "SECRET_KEY_FALLBACKS")
	s.Fallbacks = len(fallbacks) > 0
	if hosts, ok := drop[[]string](r, "ALLOWED_HOSTS"); ok && len(hosts) > 0 {
		r.d.Hosts = hosts
		if slices.Contains(hosts, "*") {
			r.warn(`ALLOWED_HOSTS has "*", which production refuses: name your hosts`)
		}
	}
	s.Language, _ = drop[string](r, "LANGUAGE_CODE")
	s.Language = strings.ToLower(s.Language)
	r.origins()
	r.mail()
	r.database()
	if slices.Contains(plainPresets, r.d.Preset) {
		for _, key := range []string{"DEFAULT_FROM_EMAIL", "SITE_NAME", "DOMAIN", "PROTOCOL", "PASSWORD_RESET_TIMEOUT"} {
			delete(top.members, key)
		}
	}
}

// origins takes the settings of django-cors-headers, of which some have an older name.
func (r *reader) origins() {
	s := &r.d.Site
	for _, key := range []string{"CORS_ALLOWED_ORIGINS", "CORS_ORIGIN_WHITELIST"} {
		if list, ok := drop[[]string](r, key); ok {
			s.Origins = append(s.Origins, list...)
		}
	}
	for _, key := range []string{"CORS_ALLOW_ALL_ORIGINS", "CORS_ORIGIN_ALLOW_ALL"} {
		if all, _ := drop[bool](r, key); all {
			s.Origins = []string{"*"}
		}
	}
	for _, key := range []string{
		"CORS_ALLOWED_ORIGIN_REGEXES", "CORS_ORIGIN_REGEX_WHITELIST", "CORS_ALLOW_CREDENTIALS", "CORS_ALLOW_HEADERS", "CORS_ALLOW_METHODS",
		"CORS_EXPOSE_HEADERS", "CORS_URLS_REGEX", "CORS_PREFLIGHT_MAX_AGE",
	} {
		raw, ok := r.top.members[key]
		delete(r.top.members, key)
		if ok && said(raw) {
			r.warn("%s is not carried over: [cors] origins lists the pages that may call", key)
		}
	}
}

// mail takes how mails leave, unless nothing says so.
func (r *reader) mail() {
	s := &r.d.Site
	backend, hasBackend := drop[string](r, "EMAIL_BACKEND")
	host, hasHost := drop[string](r, "EMAIL_HOST")
	port, _ := drop[int](r, "EMAIL_PORT")
	user, _ := drop[string](r, "EMAIL_HOST_USER")
	password, _ := drop[string](r, "EMAIL_HOST_PASSWORD")
	ssl, _ := drop[bool](r, "EMAIL_USE_SSL")
	tls, _ := drop[bool](r, "EMAIL_USE_TLS")
	folder, _ := drop[string](r, "EMAIL_FILE_PATH")
	for _, key := range []string{"EMAIL_SUBJECT_PREFIX", "EMAIL_USE_LOCALTIME", "EMAIL_TIMEOUT"} {
		delete(r.top.members, key)
	}
	for _, key := range []string{"EMAIL_SSL_CERTFILE", "EMAIL_SSL_KEYFILE"} {
		if raw := r.top.members[key]; said(raw) {
			r.warn("%s is not carried over: the mail server is shown no certificate", key)
		}
		delete(r.top.members, key)
	}
	switch {
	case !hasBackend && !hasHost:
		return
	case strings.HasSuffix(backend, ".console.EmailBackend"):
		s.MailURL = "log:"
		return
	case strings.HasSuffix(backend, ".filebased.EmailBackend"):
		s.MailURL = "file:" + folder
		return
	case hasBackend && backend != "django.core.mail.backends.smtp.EmailBackend":
		r.warn("EMAIL_BACKEND is not carried over: %s; set mail_url", backend)
		return
	}
	u := &url.URL{Scheme: "smtp", Host: host}
	if host == "" {
		u.Host = "localhost"
	}
	if ssl {
		u.Scheme = "smtps"
	}
	if port != 0 {
		u.Host = net.JoinHostPort(u.Host, strconv.Itoa(port))
	}
	if tls && !ssl {
		u.RawQuery = "tls=required"
	}
	s.MailURL, s.MailHint = withUser(u, user, password)
}

// withUser gives a URL, or, where it needs a password, what the URL looks like.
func withUser(u *url.URL, user, password string) (whole, hint string) {
	if user != "" {
		u.User = url.User(user)
	}
	if password == "" {
		return u.String(), ""
	}
	u.User = url.UserPassword(user, "PASSWORD")
	return "", u.String()
}

// database takes the first of DATABASES.
func (r *reader) database() {
	all, ok := drop[map[string]json.RawMessage](r, "DATABASES")
	if !ok || all["default"] == nil {
		return
	}
	var db struct {
		Engine   string `json:"ENGINE"`
		Name     string `json:"NAME"`
		User     string `json:"USER"`
		Password string `json:"PASSWORD"`
		Host     string `json:"HOST"`
		Port     any    `json:"PORT"`
	}
	if json.Unmarshal(all["default"], &db) != nil {
		r.warn("DATABASES.default is not understood: set database_url")
		return
	}
	s := &r.d.Site
	switch _, engine, _ := strings.Cut(db.Engine, "backends."); engine {
	case "sqlite3":
		if db.Name != "" && db.Name != ":memory:" {
			s.DatabaseURL = "sqlite:" + db.Name
		}
	case "postgresql", "postgresql_psycopg2":
		u := &url.URL{Scheme: "postgres", Host: db.Host, Path: "/" + db.Name}
		if u.Host == "" {
			u.Host = "localhost"
		}
		switch port := db.Port.(type) {
		case string:
			if port != "" {
				u.Host = net.JoinHostPort(u.Host, port)
			}
		case float64:
			u.Host = net.JoinHostPort(u.Host, strconv.Itoa(int(port)))
		}
		if strings.HasPrefix(db.Host, "/") { // a folder of sockets
			u.Host, u.RawQuery = "", "host="+url.QueryEscape(db.Host)
		}
		s.DatabaseURL, s.DatabaseHint = withUser(u, db.User, db.Password)
	default:
		r.warn("DATABASES.default is of an engine that is not known: %s; set database_url to SQLite or PostgreSQL", db.Engine)
	}
}
