package store_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that a DB that was closed leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
