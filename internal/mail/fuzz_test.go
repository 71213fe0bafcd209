package mail

import (
	"strings"
	"testing"
)

// FuzzTemplate holds that a template is refused or written, whatever it says, and that what is
// written as HTML holds no tag of a value.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{
		"{% block subject %}{{ user }}{% endblock %}", "{% if not user %}a{% else %}b{% endif %}", "{# x #}{% comment %}{% endcomment %}",
		"{% blocktrans trimmed %} a {{ site_name }} {% endblocktrans %}", "{% autoescape off %}{{ url|safe|default:'x' }}{% endautoescape %}",
		"{% url 'x' %}{% include \"y\" %}", "{", "{{", "{%", "{#", "}}", "{{ user|escape|lower }}", "{{% %}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		included := 0
		nodes, err := parse(text, func(string) ([]node, error) {
			included++
			return []node{literal("included")}, nil
		})
		if err != nil {
			return
		}
		v := &values{texts: map[string]string{}, say: func(english string) string { return english }}
		for name := range names {
			v.texts[name] = "<canary>"
		}
		parts := map[string][]node{}
		blocks(nodes, parts)
		out := render(nodes, v, true)
		if strings.Contains(out, "<canary>") && !strings.Contains(text, "safe") && !strings.Contains(text, "autoescape") && !strings.Contains(text, "canary") &&
			!strings.Contains(strings.ToLower(text), "<") {
			t.Errorf("%q gave %q", text, out)
		}
	})
}
