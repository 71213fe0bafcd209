package store

import (
	"context"
	"database/sql"
	"sync"
)

// prepared runs statements that it prepares once: SQLite spends more on parsing a small statement
// than on running it.
type prepared struct {
	from  preparer
	mu    sync.RWMutex
	stmts map[string]*sql.Stmt
}

// preparer is a pool or one connection.
type preparer interface {
	PrepareContext(ctx context.Context, text string) (*sql.Stmt, error)
}

func newPrepared(from preparer) *prepared {
	return &prepared{from: from, stmts: map[string]*sql.Stmt{}}
}

func (p *prepared) stmt(ctx context.Context, text string) (*sql.Stmt, error) {
	p.mu.RLock()
	s, ok := p.stmts[text]
	p.mu.RUnlock()
	if ok {
		return s, nil
	}
	s, err := p.from.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if other, ok := p.stmts[text]; ok {
		_ = s.Close()
		return other, nil
	}
	p.stmts[text] = s
	return s, nil
}

func (p *prepared) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, s := range p.stmts {
		_ = s.Close()
	}
	clear(p.stmts)
}

// ExecContext runs a statement without rows.
func (p *prepared) ExecContext(ctx context.Context, text string, args ...any) (sql.Result, error) {
	s, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.ExecContext(ctx, args...)
}

// QueryContext runs a statement with rows.
func (p *prepared) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	s, err := p.stmt(ctx, text)
	if err != nil {
		return nil, err
	}
	return s.QueryContext(ctx, args...)
}
