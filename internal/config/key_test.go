package config

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
)

func TestRootKeyReadsEverySpelling(t *testing.T) {
	key := []byte("\xff\xfe0123456789abcdefghijklmnopqrstuv")
	tests := []struct {
		name, text string
		want       []byte
	}{
		{"base64", base64.StdEncoding.EncodeToString(key) + "\n", key},
		{"base64 without padding", base64.RawStdEncoding.EncodeToString(key), key},
		{"base64 for URLs", base64.RawURLEncoding.EncodeToString(key), key},
		{"base64 in two lines", base64.StdEncoding.EncodeToString(key)[:8] + "\n" + base64.StdEncoding.EncodeToString(key)[8:], key},
		{"hex", hex.EncodeToString(key) + "\r\n", key},
		{"hex in capitals", strings.ToUpper(hex.EncodeToString(key)), key},
		{"a sentence", "it was the best of times, it was the worst\n", []byte("it was the best of times, it was the worst")},
		{"a short sentence", "it was the best of times", nil},
		{"hex of 16 bytes, though that is 32 letters", "00112233445566778899aabbccddeeff", nil},
		{"one byte again and again", strings.Repeat("00", 32), nil},
		{"nothing", "", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, map[string]string{"doorward.key": tt.text})
			got, made, err := Default().RootKey()
			if !bytes.Equal(got, tt.want) || made || (err == nil) != (tt.want != nil) {
				t.Errorf("RootKey of %q = %q, %v, %v, want %q", tt.text, got, made, err, tt.want)
			}
		})
	}
}

func TestRootKeyIsMadeInDevelopment(t *testing.T) {
	inFolder(t, nil)
	c := Default()
	c.Dev = true
	first, made, err := c.RootKey()
	if err != nil || !made || len(first) != 32 {
		t.Fatalf("the first RootKey = %d bytes, made %v, %v", len(first), made, err)
	}
	again, made, err := c.RootKey()
	if err != nil || made || !bytes.Equal(first, again) {
		t.Errorf("the second RootKey = %v, made %v, %v, want the first", again, made, err)
	}
	info, err := os.Stat("doorward.key")
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode = %v, %v, want 0600", info.Mode(), err)
	}
	if names, _ := os.ReadDir("."); len(names) != 1 {
		t.Errorf("the folder holds %v, want the key alone", names)
	}
}

func TestStartsAtOnceAgreeOnOneKey(t *testing.T) {
	inFolder(t, nil)
	c := Default()
	c.Dev = true
	const starts = 16
	keys, makers := make([][]byte, starts), make([]bool, starts)
	var all sync.WaitGroup
	for i := range starts {
		all.Go(func() {
			var err error
			if keys[i], makers[i], err = c.RootKey(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	made := 0
	for i := range starts {
		if !bytes.Equal(keys[i], keys[0]) {
			t.Errorf("start %d has another key than start 0", i)
		}
		if makers[i] {
			made++
		}
	}
	if made != 1 {
		t.Errorf("%d starts made the key, want 1", made)
	}
}

func TestAKeyMadeInPlaceIsMadeOnce(t *testing.T) {
	inFolder(t, nil)
	if err := makeInPlace("k"); err != nil {
		t.Fatal(err)
	}
	if err := makeInPlace("k"); !errors.Is(err, os.ErrExist) {
		t.Errorf("the second makeInPlace = %v, want that it exists", err)
	}
	if key, err := readKey("k"); err != nil || len(key) != 32 {
		t.Errorf("readKey = %d bytes, %v, want 32", len(key), err)
	}
}

func TestRootKeyThatCannotBe(t *testing.T) {
	tests := []struct {
		name    string
		dev     bool
		file    string
		secret  string
		want    string
		prepare func() error
	}{
		{"a folder that is not there", true, "gone/doorward.key", "", "key file gone/doorward.key cannot be made\n" +
			"  no such file or directory\n  try: start in a folder that can be written, or set DOORWARD_KEY_FILE", nil},
		{
			"a link to nowhere", true, "link", "", "key file link cannot be used\n  no such file or directory\n  try: remove it and start again",
			func() error { return os.Symlink("nowhere", "link") },
		},
		{
			"a folder in its place", true, "d", "", "key file d cannot be used\n  it is not a regular file\n  try: " + newKeyHint,
			func() error { return os.Mkdir("d", 0o700) },
		},
		{"production without any key", false, "doorward.key", "", "key file doorward.key is not there\n" +
			"  secret_key is not set either\n  try: openssl rand -base64 32 > doorward.key", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inFolder(t, nil)
			if tt.prepare != nil {
				if err := tt.prepare(); err != nil {
					t.Fatal(err)
				}
			}
			c := &Config{Dev: tt.dev, KeyFile: tt.file, SecretKey: tt.secret}
			key, made, err := c.RootKey()
			if key != nil || made || err == nil || err.Error() != tt.want {
				t.Errorf("RootKey = %v, %v\ngot:  %v\nwant: %s", key, made, err, tt.want)
			}
		})
	}
}

func TestNoRootKeyBesideASecretInProduction(t *testing.T) {
	inFolder(t, nil)
	c := Default()
	c.SecretKey = goodSecret
	if key, made, err := c.RootKey(); key != nil || made || err != nil {
		t.Errorf("RootKey = %v, %v, %v, want nothing", key, made, err)
	}
	if names, _ := os.ReadDir("."); len(names) != 0 {
		t.Errorf("the folder holds %v, want nothing", names)
	}
}
