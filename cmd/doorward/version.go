package main

import (
	"encoding/json"
	"fmt"
	"runtime"
)

type versionCmd struct{}

// Run prints the version.
func (*versionCmd) Run(c *console) error {
	if c.cli.JSON {
		return json.NewEncoder(c.out).Encode(map[string]string{"version": version, "go": runtime.Version(), "platform": runtime.GOOS + "/" + runtime.GOARCH})
	}
	_, err := fmt.Fprintf(c.out, "doorward %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return err
}
