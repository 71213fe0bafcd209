package accounttest

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that a Service that was closed, with its store and its pool, leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
