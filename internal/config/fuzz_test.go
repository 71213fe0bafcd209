package config

import (
	"errors"
	"strings"
	"testing"
)

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{
		wholeFile, "", "dev = 1", "[[mounts]]", "mounts = {x = {paths = {\"a\\nb\" = \"//\"}}}", "a.b.c = [[[1]]]",
		"secret_key = '''\nx'''", "[mounts.\"a.b\"]\nprefix = 3", "key_file = \"\\u0000\"", "[user.fields.a]\ntype = 3\n[profiles.b.fields.c]\n[profile]\nfields = 1",
		"\"\" = 1979-05-27T07:32:00Z", "\xff",
	} {
		f.Add(seed)
	}
	f.Chdir(f.TempDir())
	f.Fuzz(func(t *testing.T, text string) {
		c, err := load(document{"doorward.toml", []byte(text)}, nil, nil, nil)
		if err == nil {
			_ = c.String()
			return
		}
		faults, ok := errors.AsType[Faults](err)
		if !ok || len(faults) == 0 || c != nil {
			t.Fatalf("load of %q = %v, %T, want Faults alone", text, c, err)
		}
		for _, fault := range faults {
			if fault.What == "" || strings.Count(fault.Error(), "\n") > 2 {
				t.Errorf("load of %q: a fault of other than one to three lines:\n%s", text, fault.Error())
			}
		}
	})
}
