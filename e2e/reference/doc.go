// Package reference plays the same generated requests at Doorward and at the real Django stack
// (Debian's packages: Django 3.2, REST framework 3.14, SimpleJWT 5.2, djoser 2.1), and compares what
// both answer: status, headers, bodies and mails, with tokens and times masked.
//
//	go test ./e2e/reference                     # the seeds of every run
//	go test ./e2e/reference -seed 7 -rounds 20  # others; a failure prints its seed
//	make reference                              # the Django stack on loopback, to look at
//
// Where Doorward differs on purpose, explained_test.go says which request shows it, and which page
// of docs/divergences tells why.
package reference
