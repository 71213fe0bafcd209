package main

import (
	"fmt"
	"runtime"
)

type versionCmd struct{}

// Run prints the version.
func (*versionCmd) Run(c *console) error {
	platform := runtime.GOOS + "/" + runtime.GOARCH
	return c.result(map[string]string{"version": version, "go": runtime.Version(), "platform": platform},
		[][]string{{fmt.Sprintf("doorward %s (%s, %s)", version, runtime.Version(), platform)}})
}
