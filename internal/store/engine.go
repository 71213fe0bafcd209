package store

import (
	"context"
	"time"
)

// engine is what the two engines differ in.
type engine struct {
	name Engine
	// stamp is a time as Django stores it.
	stamp func(time.Time) any
	// patient runs f again while the database is locked by somebody else, for a bounded time.
	patient func(ctx context.Context, f func() error) error
	// clash takes the violation of a unique index apart: its table, and its column or name.
	clash func(error) (table, name string, ok bool)
	// again reports whether the transaction failed through no fault of its own.
	again func(error) bool
	// lost reports whether a connection died under a statement, or before one.
	lost func(error) bool
	// away reports whether the database cannot be reached, read or written for now.
	away func(error) bool
	// commitError is what a failed commit means.
	commitError func(error) error

	// The catalogue: a table's columns (name, nullable, type), and its unique indexes (name, column; one
	// row a column). Both take the table's name.
	columns, indexes, exists string
	// regclass is the table's name as the statements above want it.
	regclass func(string) string
	// types are the column types that Django gives.
	types func(c columnShape) string
	// profileID declares the key of a table of profiles; hurry makes a change of the schema fail rather
	// than keep everybody waiting for somebody's long transaction, where that can be.
	profileID, hurry string
	// followed tells other nodes what changes in a table of profiles, whose name it takes; "": there are none.
	followed string
	// advance makes the database hand out ids above one that was given; nil where it does by itself.
	advance func(ctx context.Context, q *queries, id int64) error
	// newSecret is an expression that draws an unguessable UUID; "" where Go has to.
	newSecret string
}
