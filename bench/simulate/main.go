//go:build linux

// Command simulate says what so many users make of nodes and databases: it plays people, nodes and
// what nodes remember, and counts from there with figures that were measured. It knows how memory
// forgets (internal/account) and what rows take (--measure); the rest of what it assumes stands in
// load.go and figures.go. docs/capacity.md says what follows.
//
//	go run ./bench/simulate                             the tables; under a minute
//	go run ./bench/simulate --measure sqlite:PATH       bytes a row, in a new database
//	go run ./bench/simulate --measure postgres://…      bytes, log, HOT updates and CPU; needs psql, and
//	                                                    an empty database of a PostgreSQL of this machine
//	                                                    whose settings may be changed
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
)

func main() {
	seed := flag.Uint64("seed", 1, "where chance begins")
	one := flag.Float64("one-of", 200, "of so many people, play one")
	url := flag.String("measure", "", "measure rows in the empty database at `URL` instead")
	flag.Parse()
	var err error
	if *url != "" {
		err = measure(context.Background(), *url, *seed, os.Stdout)
	} else {
		err = report(os.Stdout, *seed, *one)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulate:", err)
		os.Exit(1)
	}
}
