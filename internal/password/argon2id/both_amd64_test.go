package argon2id

import "testing"

// onBoth runs a test on the assembly and on Go alone.
func onBoth(t *testing.T, test func(t *testing.T)) {
	if !assembly {
		t.Log("this processor has no AVX2")
	}
	t.Run("as it runs", test)
	had := assembly
	assembly = false
	defer func() { assembly = had }()
	t.Run("without assembly", test)
}
