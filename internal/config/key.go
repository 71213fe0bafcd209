package config

import (
	"cmp"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

const rootKeyBytes = 32

// keyFile judges the content of a key file that is there.
func (k *checker) keyFile() {
	if k.cfg.KeyFile == "" {
		k.refuse("key_file", "key_file is empty", "", "doorward.key")
		return
	}
	if _, err := readKey(k.cfg.KeyFile); err != nil && !errors.Is(err, fs.ErrNotExist) {
		k.refuseWith("key_file", "key file "+k.cfg.KeyFile+" cannot be used", reason(err), newKeyHint)
	}
}

const newKeyHint = "restore it from a backup; a new key would end all sessions"

// RootKey reads the key that is ours alone: 32 bytes or more, from KeyFile. In development a
// missing file is made, and made is true; servers that start at once agree on one key. In
// production a missing file beside a SecretKey gives nil: the caller derives the root key from it.
// Errors are of type Fault.
func (c *Config) RootKey() (key []byte, made bool, err error) {
	key, err = readKey(c.KeyFile)
	switch {
	case err == nil:
		return key, false, nil
	case !errors.Is(err, fs.ErrNotExist):
		return nil, false, c.keyFault("cannot be used", reason(err), newKeyHint)
	case c.Production() && c.SecretKey != "":
		return nil, false, nil
	case c.Production():
		return nil, false, c.keyFault("is not there", "secret_key is not set either", "openssl rand -base64 32 > "+c.KeyFile)
	}
	made, err = makeKey(c.KeyFile)
	if err != nil {
		return nil, false, c.keyFault("cannot be made", reason(err), "start in a folder that can be written, or set DOORWARD_KEY_FILE")
	}
	if key, err = readKey(c.KeyFile); err != nil {
		return nil, false, c.keyFault("cannot be used", reason(err), "remove it and start again")
	}
	return key, made, nil
}

func (c *Config) keyFault(what, why, try string) Fault {
	return Fault{"key_file", c.Source("key_file"), "key file " + c.KeyFile + " " + what, why, try}
}

func readKey(name string) ([]byte, error) {
	text, err := readSmallFile(name)
	if err != nil {
		return nil, err
	}
	key := decodeKey(strings.TrimRight(string(text), "\r\n"))
	if len(key) < rootKeyBytes {
		return nil, fmt.Errorf("it holds %d bytes once decoded, and %d are wanted", len(key), rootKeyBytes)
	}
	if strings.Count(string(key), string(key[:1])) == len(key) {
		return nil, errors.New("it repeats one byte")
	}
	return key, nil
}

// decodeKey takes hex before base64, whose alphabet holds all hex digits, and what is neither as it
// stands. What a file means must never change: its key would be lost.
func decodeKey(text string) []byte {
	if key, err := hex.DecodeString(text); err == nil {
		return key
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil {
			return key
		}
	}
	return []byte(text)
}

// makeKey writes a new key under name, or reports false when another start did so first. The file
// appears whole: it is written beside and then linked, which fails when name is taken. A file system
// without links gets it written in place: who comes second there may be told that it is too short.
func makeKey(name string) (made bool, err error) {
	draft, err := os.CreateTemp(filepath.Dir(name), ".doorward-key-*") // its mode is 0600
	if err != nil {
		return false, err
	}
	defer os.Remove(draft.Name())
	if err := writeKey(draft); err != nil {
		return false, err
	}
	if err = os.Link(draft.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		err = makeInPlace(name)
	}
	if errors.Is(err, fs.ErrExist) {
		return false, nil
	}
	if err == nil {
		err = syncFolder(filepath.Dir(name))
	}
	return err == nil, err
}

// syncFolder makes a new name in a folder outlast a power cut. A system that cannot sync a folder
// keeps names by itself.
func syncFolder(name string) error {
	folder, err := os.Open(name)
	if err != nil {
		return err
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && runtime.GOOS != "windows" {
		return err
	}
	return nil
}

func makeInPlace(name string) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return writeKey(f)
}

// writeKey makes a key, writes it and closes f.
func writeKey(f *os.File) error {
	key := make([]byte, rootKeyBytes)
	rand.Read(key)
	_, err := f.WriteString(base64.StdEncoding.EncodeToString(key) + "\n")
	return cmp.Or(err, f.Sync(), f.Close())
}
