package mail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Folder writes each mail into a file of its own, which appears whole.
type Folder struct{ path string }

// NewFolder makes the folder where it is missing, for its owner alone: links in mails open accounts.
func NewFolder(path string) (*Folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder for mails: %w", err)
	}
	return &Folder{path}, nil
}

// Send writes the mail to a hidden file, and gives it its name once it is on the disk. A mail that
// is written again, after a crash, replaces itself.
func (f *Folder) Send(_ context.Context, o *Outgoing) (answer string, err error) {
	text, err := o.render()
	if err != nil {
		return "", err
	}
	name := fmt.Sprintf("%s-%06d-%.8s.eml", o.Created.UTC().Format("20060102T150405.000000"), o.Row, o.ID)
	if err := f.write(name, text); err != nil {
		return "", &Failure{Reason: err.Error(), Server: true}
	}
	return "written to " + name, nil
}

func (f *Folder) write(name string, text []byte) (err error) {
	file, err := os.CreateTemp(f.path, ".mail-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(file.Name())
		}
	}()
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	if err = os.Rename(file.Name(), filepath.Join(f.path, name)); err != nil {
		return err
	}
	return syncFolder(f.path)
}

// syncFolder makes a rename last. Some file systems know no such thing.
func syncFolder(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, dir.Close())
}

// Local implements Transport.
func (f *Folder) Local() bool { return true }

// Close implements Transport.
func (f *Folder) Close() error { return nil }
