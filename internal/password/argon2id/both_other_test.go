//go:build !amd64

package argon2id

import "testing"

func onBoth(t *testing.T, test func(t *testing.T)) { test(t) }
