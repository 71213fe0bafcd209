package main

import (
	"doorward/internal/server"
)

type openAPICmd struct {
	Mount string `help:"Of this mount alone." placeholder:"NAME"`
}

// Run prints the OpenAPI document. No database is needed.
func (o *openAPICmd) Run(c *console) error {
	cfg, err := c.load()
	if err != nil {
		return err
	}
	body, err := server.OpenAPI(cfg, o.Mount, version)
	if err != nil {
		return err
	}
	_, err = c.out.Write(body)
	return err
}
