package config

import (
	"cmp"
	"maps"
	"slices"
)

// Args are the three places where settings come from. Flags win over Environ, Environ over File.
type Args struct {
	File    string            // of --config; "": DOORWARD_CONFIG, or doorward.toml if it is there
	Environ []string          // as of os.Environ
	Flags   map[string]string // by key, such as "addr" or "cors.origins", as text: "1" or "a,b"
}

// Load gathers the settings and checks them. Its error is of type Faults and holds all that is
// wrong. It reads the configuration file and looks at the key file, and writes nothing.
func Load(args Args) (*Config, error) {
	ours := ourVariables(args.Environ)
	doc, fault := readDocument(cmp.Or(args.File, ours[fileVariable]))
	return load(doc, fault, ours, args.Flags)
}

type loader struct {
	cfg    *Config
	mounts map[string]*Mount // nil: none named
	faults Faults
	unread bool // the file is there and its settings aren't known

	profiles []*Profile
}

func load(doc document, fault *Fault, ours, flags map[string]string) (*Config, error) {
	l := &loader{cfg: Default()}
	l.cfg.sources = map[string]string{}
	l.readFile(doc, fault)
	l.readVariables(ours)
	l.readFlags(flags)
	l.settle(doc.name == "")
	k := checker{cfg: l.cfg, faults: l.faults, modeUnknown: l.unread || l.faults.about("dev")}
	if k.run(); len(k.faults) > 0 {
		return nil, k.faults
	}
	return l.cfg, nil
}

func (l *loader) readFile(doc document, fault *Fault) {
	var list []assignment
	if fault == nil {
		list, fault = doc.assignments()
	}
	if fault != nil {
		l.unread = true
		l.refuse(*fault)
		return
	}
	for _, a := range list {
		l.assign(a)
	}
}

// settle fills in what follows from everything that was set.
func (l *loader) settle(noFile bool) {
	c := l.cfg
	if _, said := c.sources["dev"]; !said {
		c.Dev = noFile && l.onlyAddress()
	}
	if c.Dev && c.MailURL == "" {
		c.MailURL = "catch:"
	}
	for _, p := range l.profiles {
		c.Profiles = append(c.Profiles, *p)
	}
	if l.mounts == nil {
		return
	}
	c.Mounts = map[string]Mount{}
	for name, m := range l.mounts {
		m.Preset = cmp.Or(m.Preset, name)
		c.Mounts[name] = *m
	}
}

func (l *loader) onlyAddress() bool {
	for key := range l.cfg.sources {
		if key != "addr" {
			return false
		}
	}
	return true
}

func (l *loader) refuse(f Fault) { l.faults = append(l.faults, f) }

// assign stores a value from the file.
func (l *loader) assign(a assignment) {
	if a.path[0] == "mounts" && len(a.path) <= 2 {
		l.assignMounts(a)
		return
	}
	if _, isTable := a.value.(map[string]any); isTable && isDeclaration(a.path) {
		l.assignDeclaration(a)
		return
	}
	s, ok := l.find(a.path)
	switch {
	case !ok && isSection(a.path):
		l.refuse(Fault{
			Key: a.path.String(), Source: a.source, What: a.path.String() + " should be a section",
			Why: "it is " + kindOf(a.value), Try: "[" + a.path.String() + "]",
		})
	case !ok:
		l.refuseKey(a)
	case !put(s.into, a.value):
		inFile, _, example := wanted(&s)
		l.refuse(Fault{
			Key: s.key, Source: a.source, What: s.key + " should be " + inFile,
			Why: "it is " + kindOf(a.value), Try: remedy(s, a.source, example),
		})
	default:
		l.cfg.sources[s.key] = a.source
	}
}

// assignMounts takes the tables above a mount's keys: [mounts] and [mounts.NAME].
func (l *loader) assignMounts(a assignment) {
	if _, isTable := a.value.(map[string]any); !isTable {
		l.refuse(Fault{
			Key: a.path.String(), Source: a.source, What: a.path.String() + " should be a section",
			Why: "it is " + kindOf(a.value), Try: "[mounts.NAME]",
		})
		return
	}
	if l.mounts == nil {
		l.mounts = map[string]*Mount{}
	}
	if len(a.path) == 2 {
		l.mount(a.path[1])
	}
	l.cfg.sources[a.path.String()] = a.source
}

func (l *loader) mount(name string) *Mount {
	if l.mounts == nil {
		l.mounts = map[string]*Mount{}
	}
	if l.mounts[name] == nil {
		l.mounts[name] = new(Mount)
	}
	return l.mounts[name]
}

// assignText stores a value from a variable or flag. The text is in no message: a variable may hold
// a secret that was meant for another.
func (l *loader) assignText(p path, source, text string) {
	s, ok := l.find(p)
	if !ok {
		l.refuse(Fault{Key: p.String(), Source: source, What: "unknown flag " + source, Why: "no setting has that name"})
		return
	}
	value := parse(s.into, text)
	if value == nil || !put(s.into, value) {
		_, asText, example := wanted(&s)
		l.refuse(Fault{
			Key: s.key, Source: source, What: s.key + " should be " + asText,
			Why: "what it says is not", Try: remedy(s, source, example),
		})
		return
	}
	l.cfg.sources[s.key] = source
}

// find gives the setting at p, with its whole path as its key.
func (l *loader) find(p path) (setting, bool) {
	settings, key, prefix := l.cfg.settings(), p.String(), ""
	if p[0] == "mounts" {
		if len(p) != 3 {
			return setting{}, false
		}
		settings, key, prefix = l.mount(p[1]).settings(), p[2], p[:2].String()+"."
	}
	if declared, at := l.declared(p); declared != nil {
		settings, key, prefix = declared, p[len(p)-1], at.String()+"."
	}
	for _, s := range settings {
		if s.key == key {
			return setting{prefix + key, s.into}, true
		}
	}
	return setting{}, false
}

func (l *loader) refuseKey(a assignment) {
	key, what := a.path.String(), "unknown key "
	known := l.keys()
	if _, isTable := a.value.(map[string]any); isTable {
		what, known = "unknown section ", append(sections(), known...)
	}
	try := "remove it"
	if near := nearest(key, known); near != "" {
		try = near
	}
	l.refuse(Fault{Key: key, Source: a.source, What: what + key, Why: "no setting has that name", Try: try})
}

// keys lists every key that there is, with those of the mounts that are named.
func (l *loader) keys() []string {
	keys := keysOf(l.cfg.settings(), "")
	for _, name := range slices.Sorted(maps.Keys(l.mounts)) {
		keys = append(keys, keysOf(new(Mount).settings(), path{"mounts", name}.String()+".")...)
	}
	for _, f := range l.cfg.Fields {
		keys = append(keys, keysOf(f.settings(), declarationOf("", f.Name)+".")...)
	}
	for _, p := range l.profiles {
		keys = append(keys, keysOf(p.settings(), declarationOf(p.Name, "")+".")...)
		for _, f := range p.Fields {
			keys = append(keys, keysOf(f.settings(), declarationOf(p.Name, f.Name)+".")...)
		}
	}
	return keys
}

func kindOf(value any) string {
	switch value.(type) {
	case string:
		return "a text"
	case bool:
		return "true or false"
	case int64, float64:
		return "a number"
	case []any:
		if _, ok := texts(value); ok {
			return "a list"
		}
		return "a list of other things than texts"
	case map[string]any:
		return "a table"
	}
	return "a date or time"
}
