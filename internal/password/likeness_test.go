package password

import "testing"

func TestALikenessCostsTheSame(t *testing.T) {
	for _, encoded := range wellFormed {
		like := Likeness(encoded)
		h, err := parse(encoded)
		l, lerr := parse(like)
		if err != nil || lerr != nil || h.kind != l.kind || h.cost != l.cost || len(h.salt) != len(l.salt) || len(h.tag) != len(l.tag) {
			t.Errorf("Likeness(%q)\ngot:  %q (%v)\nwant: the same kind, cost and lengths", encoded, like, lerr)
		}
		if like == encoded || Likeness(like) != like {
			t.Errorf("Likeness(%q)\ngot:  %q, and of that %q\nwant: another hash, and itself", encoded, like, Likeness(like))
		}
	}
	for _, encoded := range []string{"", "!", "md5$a$b", "pbkdf2_sha256$5000001$salt$AAAA"} {
		if like := Likeness(encoded); like != "" {
			t.Errorf("Likeness(%q)\ngot:  %q\nwant: none", encoded, like)
		}
	}
}
