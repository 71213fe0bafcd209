package config

import (
	"maps"
	"slices"
	"strings"
)

const (
	variablePrefix = "DOORWARD_"
	mountVariable  = variablePrefix + "MOUNTS_"
	fileVariable   = variablePrefix + "CONFIG"
)

// ourVariables are those of environ that speak to Doorward. An empty one counts as not set, as a
// container's template leaves it; of twins the last counts.
func ourVariables(environ []string) map[string]string {
	ours := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if strings.HasPrefix(name, variablePrefix) && value != "" {
			ours[name] = value
		}
	}
	return ours
}

func variableName(key string) string {
	return variablePrefix + strings.ToUpper(strings.NewReplacer(".", "_", "-", "_").Replace(key))
}

func flagName(key string) string {
	return "--" + strings.NewReplacer(".", "-", "_", "-").Replace(key)
}

func (l *loader) readVariables(ours map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if name == fileVariable {
			continue
		}
		p := l.variablePath(name)
		if p == nil {
			l.refuseVariable(name)
			continue
		}
		l.assignText(p, name, ours[name])
	}
}

func (l *loader) variablePath(name string) path {
	for _, s := range l.cfg.settings() {
		if variableName(s.key) == name {
			return strings.Split(s.key, ".")
		}
	}
	if rest, ok := strings.CutPrefix(name, mountVariable); ok {
		return l.mountPath(rest)
	}
	return nil
}

// mountPath understands NAME_KEY. Mounts that the file names are tried first, since a variable
// cannot spell "my-app"; otherwise the variable names the mount, and the longest key counts.
func (l *loader) mountPath(rest string) path {
	settings := new(Mount).settings()
	slices.SortStableFunc(settings, func(a, b setting) int { return len(b.key) - len(a.key) })
	var unknown path
	for _, s := range settings {
		name, ok := strings.CutSuffix(rest, "_"+strings.ToUpper(s.key))
		if !ok || name == "" {
			continue
		}
		for _, known := range slices.Sorted(maps.Keys(l.mounts)) {
			if variableName(known) == variablePrefix+name {
				return path{"mounts", known, s.key}
			}
		}
		if unknown == nil {
			unknown = path{"mounts", strings.ToLower(name), s.key}
		}
	}
	return unknown
}

func (l *loader) refuseVariable(name string) {
	l.refuse(Fault{
		Source: name, What: "unknown variable " + name, Why: "no setting has that name",
		Try: suggest(name, l.variables(), "unset "+name),
	})
}

func (l *loader) variables() []string {
	names := []string{fileVariable}
	for _, key := range l.keys() {
		names = append(names, variableName(key))
	}
	return names
}

// suggest compares what follows the prefix: that all variables share it makes none of them near.
func suggest(name string, known []string, otherwise string) string {
	tails := make([]string, len(known))
	for i := range known {
		tails[i] = strings.TrimPrefix(known[i], variablePrefix)
	}
	if near := nearest(strings.TrimPrefix(name, variablePrefix), tails); near != "" {
		return variablePrefix + near
	}
	return otherwise
}

func (l *loader) readFlags(flags map[string]string) {
	for _, key := range slices.Sorted(maps.Keys(flags)) {
		l.assignText(strings.Split(key, "."), flagName(key), flags[key])
	}
}
