//go:build !unix

package storetest

import "syscall"

func ownerOf(string) (*syscall.SysProcAttr, error) { return nil, errNoPostgres }
