package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// sides are what SQLite keeps beside a database file.
var sides = []string{"-journal", "-wal", "-shm"}

// part is a file in the making. It lies beside its place, and takes it whole or not at all: a
// crash leaves the part, which the next one removes.
type part struct {
	path    string // its place
	file    string // where it is made
	release func()
}

// newPart locks the place, ErrLocked if somebody else has, and makes an empty file for its owner alone.
func newPart(path string) (*part, error) {
	if folder := filepath.Dir(path); !isFolder(folder) {
		return nil, fmt.Errorf("there is no folder %s", folder)
	}
	release, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	p := &part{path: path, file: path + ".part", release: release}
	p.remove()
	f, err := os.OpenFile(p.file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// publish puts the part in its place, in the place of what is there.
func (p *part) publish() error {
	for _, side := range sides {
		if _, err := os.Stat(p.file + side); err == nil {
			return fmt.Errorf("%s is still being written", p.file)
		}
	}
	if err := syncFile(p.file); err != nil {
		return err
	}
	if err := os.Rename(p.file, p.path); err != nil {
		return err
	}
	return syncFile(filepath.Dir(p.path))
}

// close removes what was not published.
func (p *part) close() {
	p.remove()
	p.release()
}

func (p *part) remove() {
	for _, side := range append([]string{""}, sides...) {
		_ = os.Remove(p.file + side) // usually there is none
	}
}

// syncFile lets a file, or the names in a folder, survive a power cut.
func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
