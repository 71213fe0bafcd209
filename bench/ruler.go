//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"doorward/internal/password"
)

// The rulers: what a server of net/http costs that does only this much.
const (
	bareNone   = "bare-none"   // answers with 200 bytes of JSON
	bareHS256  = "bare-hs256"  // verifies the token first
	bareEdDSA  = "bare-eddsa"  //
	bareES256  = "bare-es256"  //
	bareCached = "bare-cached" // verifies (EdDSA) once and then finds the token in a map
	bareLogin  = "bare-login"  // one password hash a request, one at a time, on the request's goroutine
	ownHash    = "own-hash"    // one hash a request by the server's own pool, and nothing else
)

var rulerNames = []string{bareNone, bareHS256, bareEdDSA, bareES256, bareCached, bareLogin, ownHash}

// serveRuler is the subcommand: bench ruler NAME. It prints its address and serves until it is stopped.
func serveRuler(ctx context.Context, name string, out io.Writer) error {
	h, err := rulerHandler(name)
	if err != nil {
		return err
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(out, ln.Addr())
	server := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	if err := server.Serve(ln); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func rulerHandler(name string) (http.Handler, error) {
	switch name {
	case bareNone:
		return admitting(func(string) bool { return true }), nil
	case bareHS256, bareEdDSA, bareES256:
		verify := rulerKeys[name].verify
		return admitting(func(token string) bool { return verifyToken(token, verify) }), nil
	case bareCached:
		return admitting(remembering(rulerKeys[bareEdDSA].verify)), nil
	case bareLogin:
		return &loginRuler{me: admitting(remembering(rulerKeys[bareEdDSA].verify)), hash: new(oneByOne).hash}, nil
	case ownHash:
		pool := password.NewPool(password.Options{Slots: 1})
		return &loginRuler{me: admitting(func(string) bool { return true }), hash: pool.Hash}, nil
	}
	return nil, fmt.Errorf("there is no ruler %q; there are %s", name, strings.Join(rulerNames, ", "))
}

// person is 200 bytes of JSON, of the kind that `me` answers.
type person struct {
	ID         int64   `json:"id"`
	Email      string  `json:"email"`
	Username   *string `json:"username"`
	FirstName  string  `json:"first_name"`
	LastName   string  `json:"last_name"`
	Name       string  `json:"name"`
	Phone      *string `json:"phone"`
	DateJoined string  `json:"date_joined"`
	LastLogin  string  `json:"last_login"`
}

func admitting(ok func(token string) bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if r.URL.Path != "/healthz" && !ok(token) {
			sendJSON(w, http.StatusUnauthorized, map[string]string{"code": "token_invalid"})
			return
		}
		sendJSON(w, http.StatusOK, &person{
			ID: 1, Email: "reader1@bench.example", FirstName: "Ann", LastName: "Example", Name: "Ann Example of Exampletown",
			DateJoined: "2026-11-22T02:19:07Z", LastLogin: "2026-11-22T02:19:07Z",
		})
	})
}

func sendJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		panic(err) // these values can be written
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// remembering verifies a token once.
func remembering(verify func(message, signature []byte) bool) func(string) bool {
	var mu sync.RWMutex
	known := map[string]int64{} // token to expiry
	return func(token string) bool {
		mu.RLock()
		exp, ok := known[token]
		mu.RUnlock()
		if ok {
			return clock().Unix() < exp
		}
		exp, ok = openToken(token, verify)
		if !ok {
			return false
		}
		mu.Lock()
		known[strings.Clone(token)] = exp
		mu.Unlock()
		return clock().Unix() < exp
	}
}

// loginRuler signs in on POST, and answers reads.
type loginRuler struct {
	me   http.Handler
	hash func(ctx context.Context, password string) (string, error)
}

// oneByOne hashes on its caller's goroutine, one at a time.
type oneByOne struct{ turn sync.Mutex }

func (o *oneByOne) hash(_ context.Context, text string) (string, error) {
	o.turn.Lock()
	defer o.turn.Unlock()
	return password.Hash(text, password.Default), nil
}

func (l *loginRuler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		l.me.ServeHTTP(w, r)
		return
	}
	var in struct{ Email, Password string }
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		sendJSON(w, http.StatusBadRequest, map[string]string{"code": "malformed_body"})
		return
	}
	hash, err := l.hash(r.Context(), in.Password)
	if err != nil {
		w.Header().Set("Retry-After", "1")
		sendJSON(w, http.StatusServiceUnavailable, map[string]string{"code": "busy"})
		return
	}
	sendJSON(w, http.StatusOK, map[string]string{
		"access_token": signToken(rulerKeys[bareEdDSA], 1), "refresh_token": hash[len(hash)-43:],
	})
}

// needsToken names the key that a ruler's requests are signed with.
func needsToken(ruler string) *rulerKey {
	if slices.Contains([]string{bareHS256, bareES256}, ruler) {
		return rulerKeys[ruler]
	}
	return rulerKeys[bareEdDSA]
}
