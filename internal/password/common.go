package password

import (
	"bytes"
	"compress/gzip"
	_ "embed" // the list below
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
)

// commonGzip is Django's list of common passwords, one a line; NOTICE says whose it is.
//
//go:embed common-passwords.txt.gz
var commonGzip []byte

// common is the list in order. It is unpacked at the first use, within some 20 ms, and stays: 160 KB
// of text and 310 KB of slices into it.
var common = sync.OnceValue(func() []string {
	r, err := gzip.NewReader(bytes.NewReader(commonGzip))
	if err != nil {
		panic(fmt.Sprintf("password: built-in list: %v", err))
	}
	text, err := io.ReadAll(r)
	if err != nil {
		panic(fmt.Sprintf("password: built-in list: %v", err))
	}
	list := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	slices.Sort(list)
	return list
})

func isCommon(password string) bool {
	_, found := slices.BinarySearch(common(), strip(lower(password)))
	return found
}
