package store

import "database/sql"

// Texts are the statements that ran.
func (d *DB) Texts() []string {
	var texts []string
	d.texts.Range(func(text, _ any) bool {
		texts = append(texts, text.(string))
		return true
	})
	return texts
}

// Pool is the pool of readers.
func (d *DB) Pool() *sql.DB { return d.read }
