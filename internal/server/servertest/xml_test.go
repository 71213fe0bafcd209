package servertest

import (
	"strings"
	"testing"

	"doorward/internal/config"
)

const xmlHead = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"

// TestXMLOfAMount is the life of a user in XML.
func TestXMLOfAMount(t *testing.T) {
	t.Parallel()
	onEngines(t, func(t *testing.T, engine string) {
		s := Start(t, engine, func(c *config.Config) { c.Mounts = map[string]config.Mount{"userapi": {REST: config.REST{XML: true}}} })
		send := func(method, path, body string, headers ...string) *Reply {
			return s.Do(t, method, path, strings.NewReader(body), append(headers, "Content-Type", "application/xml", "Accept", "application/xml")...)
		}
		r := send("POST", "/userapi/users/", `<?xml version="1.0" encoding="utf-8"?><root><email>ann@example.com</email><first_name>A &amp; B</first_name><password>0099_887766</password>`+
			`<profile><title>Ms</title><dob>1990-02-28</dob><address>1 High Street</address><country>Wales</country><city>Cardiff</city><zip>CF101</zip></profile></root>`)
		r.says(t, "sign-up", 201, xmlHead+"<root><url>"+s.URL+"/userapi/users/1/</url><email>ann@example.com</email><first_name>A &amp; B</first_name><last_name></last_name>"+
			"<profile><title>Ms</title><dob>1990-02-28</dob><address>1 High Street</address><country>Wales</country><city>Cardiff</city><zip>CF101</zip></profile></root>")
		if got, want := r.Header.Get("Content-Type"), "application/xml; charset=utf-8"; got != want {
			t.Errorf("Content-Type\ngot:  %q\nwant: %q", got, want)
		}
		r = send("POST", "/userapi/api-token-auth/", "<root><email>ann@example.com</email><password>0099_887766</password></root>")
		r.says(t, "sign-in, the password as it is written", 200, xmlHead+"<root><token>ey")
		send("POST", "/userapi/api-token-auth/", "<root><email>ann@example.com</email><password>99887766</password></root>").
			says(t, "the same number is another password", 400, "<root><non_field_errors><list-item>Unable to log in with provided credentials.</list-item></non_field_errors></root>")
		token := strings.TrimSuffix(strings.TrimPrefix(string(r.Body), xmlHead+"<root><token>"), "</token></root>")
		ann := []string{"Authorization", "JWT " + token}
		send("PATCH", "/userapi/users/1/", "<root><profile><city>Newport</city></profile></root>", ann...).says(t, "a PATCH", 200, "<city>Newport</city>")
		s.Do(t, "GET", "/userapi/users/1.xml", nil, ann...).says(t, "a suffix", 200, xmlHead+"<root><url>"+s.URL+"/userapi/users/1.xml</url>")
		s.Do(t, "GET", "/userapi/users/1/?format=xml", nil, ann...).says(t, "a query", 200, xmlHead)
		s.Do(t, "GET", "/userapi/users/1/", nil, ann...).says(t, "who asks for nothing", 200, `{"url":`)
		s.Do(t, "OPTIONS", "/userapi/users/1/", nil, ann...).
			says(t, "OPTIONS", 200, `"renders":["application/json","text/html","application/xml"],"parses":["application/json","application/x-www-form-urlencoded","multipart/form-data","application/xml"]`)
		for _, tt := range []struct {
			name, body string
			status     int
			text       string
		}{
			{"broken XML", "<root><email>", 400, "<root><detail>XML parse error - no element found: line 1, column 13</detail></root>"},
			{"JSON by another name", `{"email": "a"}`, 400, "<detail>XML parse error - not well-formed (invalid token): line 1, column 0</detail>"},
			{"an entity", `<!DOCTYPE r [<!ENTITY e SYSTEM "file:///etc/passwd">]><r><email>&e;</email></r>`, 400, "<detail>XML parse error - document types are forbidden: line 1, column 0</detail>"},
			{"21 levels", strings.Repeat("<a>", 21) + strings.Repeat("</a>", 21), 400, "<detail>XML parse error - More than 20 levels: line 1, column 60</detail>"},
			{"more than 64 KiB", "<root>" + strings.Repeat(" ", 64<<10) + "</root>", 413, "<detail>Request body is larger than 64 KiB.</detail>"},
			{"nothing in it", "<root/>", 400, "<root><non_field_errors><list-item>No data provided</list-item></non_field_errors></root>"},
			{"what the fields refuse", "<root><email>x</email><password>1</password></root>", 400, "<root><email><list-item>Enter a valid email address.</list-item></email>"},
		} {
			send("POST", "/userapi/users/", tt.body).says(t, tt.name, tt.status, xmlHead)
			send("POST", "/userapi/users/", tt.body).says(t, tt.name, tt.status, tt.text)
		}
		send("GET", "/userapi/users/1/", "").says(t, "nobody", 401, "<root><detail>Authentication credentials were not provided.</detail></root>")
		s.faultless(t)
	})
}

// TestAMountWithoutXML holds that nothing is XML unasked, and that a mount without REST framework has none.
func TestAMountWithoutXML(t *testing.T) {
	t.Parallel()
	s := Start(t, "sqlite", nil)
	s.Do(t, "POST", "/userapi/users/", strings.NewReader("<root/>"), "Content-Type", "application/xml").
		says(t, "in", 415, `{"detail":"Unsupported media type \"application/xml\" in request."}`)
	s.Do(t, "GET", "/userapi/users/", nil, "Accept", "application/xml").says(t, "out", 406, `{"detail":"Could not satisfy the request Accept header."}`)
	s.Do(t, "GET", "/userapi/users.xml", nil).says(t, "by its suffix", 404, `{"detail":"Not found."}`)
	s.faultless(t)
	_, err := Try(t, "sqlite", func(c *config.Config) { c.Mounts = map[string]config.Mount{"v1": {REST: config.REST{XML: true}}} })
	if err == nil || !strings.Contains(err.Error(), "[mounts.v1] has xml = true, which does not go with this preset") {
		t.Errorf("xml of /v1/\ngot:  %v\nwant: a refusal", err)
	}
}

// TestEveryPresetOfRESTFrameworkSpeaksXML asks each for OPTIONS of its first route.
func TestEveryPresetOfRESTFrameworkSpeaksXML(t *testing.T) {
	t.Parallel()
	for preset, path := range map[string]string{
		"tag1": "user/create/", "djoser1": "users/create/", "djoser": "users/", "simplejwt": "token/", "accounts": "signup/", "restauth": "login/",
	} {
		t.Run(preset, func(t *testing.T) {
			t.Parallel()
			s := Start(t, "sqlite", func(c *config.Config) {
				c.Mounts = map[string]config.Mount{"m": {Preset: preset, Prefix: "/m/", REST: config.REST{XML: true}}}
			})
			s.Do(t, "POST", "/m/"+path, strings.NewReader("<root><"), "Content-Type", "application/xml", "Accept", "application/xml").
				says(t, path, 400, xmlHead+"<root><detail>XML parse error - unclosed token: line 1, column 6</detail></root>")
			s.faultless(t)
		})
	}
}
