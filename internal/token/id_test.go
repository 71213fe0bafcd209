package token

import (
	"strings"
	"testing"
)

func TestIDsAreKnownAgain(t *testing.T) {
	ids, others := NewIDs(fixedKey(1)), NewIDs(fixedKey(2))
	seen := map[string]bool{}
	for range 1000 {
		id := ids.Mint()
		if len(id) != 32 || !ids.Minted(id) {
			t.Fatalf("Mint() = %q, which is not minted", id)
		}
		if seen[id] {
			t.Fatalf("%q twice", id)
		}
		seen[id] = true
		if others.Minted(id) {
			t.Fatalf("%q is known under another key", id)
		}
	}
	good := ids.Mint()
	for name, id := range map[string]string{
		"nothing": "", "capitals": strings.Repeat("A", 32), "digits": strings.Repeat("0", 32), "cut": good[:31], "longer": good + "0",
		"no digits": strings.Repeat("g", 32), "another tag": good[:16] + ids.Mint()[16:], "a signed one": "+" + good[1:], "two bytes a letter": good[:30] + "é",
	} {
		if ids.Minted(id) {
			t.Errorf("%s: %q is known", name, id)
		}
	}
	for i := range good { // any bit that is another one
		b := []byte(good)
		if b[i] = '0'; b[i] == good[i] {
			b[i] = '1'
		}
		if ids.Minted(string(b)) {
			t.Errorf("%s for %s is known", b, good)
		}
	}
}

func TestAnIDIsJudgedWithoutMemory(t *testing.T) {
	ids := NewIDs(fixedKey(1))
	good := ids.Mint()
	if got := testing.AllocsPerRun(100, func() { ids.Minted(good) }); got > 1 {
		t.Errorf("got %.0f allocations, want 1 at most", got)
	}
}
