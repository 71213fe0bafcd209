package server

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"doorward/internal/config"
	"doorward/internal/token"
)

// secrets gives the root key, which is ours alone, and the secret key, which Django shares. Where
// only one is given, the other is derived from it.
func secrets(cfg *config.Config) (root, secret token.Secret, err error) {
	key, _, err := cfg.RootKey()
	if err != nil {
		return root, secret, err
	}
	root, secret = token.SecretFrom(key), token.SecretFrom([]byte(cfg.SecretKey))
	switch {
	case cfg.SecretKey == "":
		secret, err = derive(key, "secret key")
	case key == nil:
		root, err = derive([]byte(cfg.SecretKey), "root key")
	}
	return root, secret, err
}

// derive makes one secret of another (HKDF, RFC 5869), as text, since Django's is text.
func derive(from []byte, label string) (token.Secret, error) {
	key, err := hkdf.Key(sha256.New, from, nil, "doorward/1/"+label, 32)
	if err != nil {
		return token.Secret{}, fmt.Errorf("derive the %s: %w", label, err)
	}
	return token.SecretFrom([]byte(base64.RawURLEncoding.EncodeToString(key))), nil
}
