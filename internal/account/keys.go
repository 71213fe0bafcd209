package account

import (
	"context"
	"errors"
	"fmt"
	"time"

	"doorward/internal/token"
)

// keyAlg is the algorithm of published keys: small, fast, and judged the same by every library.
const keyAlg = token.EdDSA

// LoadKeys reads the published signing keys, and makes the first ones where there are none: one
// that signs, and the next, published before it is needed. Every node calls it again now and then.
func (s *Service) LoadKeys(ctx context.Context) error {
	for {
		set, err := s.readKeys(ctx)
		if err != nil {
			return err
		}
		if set.Active() != nil {
			if old := s.keys.Swap(set); old == nil || string(old.JWKS()) != string(set.JWKS()) {
				s.keysVersion.Add(1)
			}
			return nil
		}
		err = s.store.Update(ctx, func(w Writer) error { return s.fillKeys(ctx, w) })
		if err != nil && !wasFirst(err) {
			return fmt.Errorf("make signing keys: %w", err)
		}
	}
}

// fillKeys sees to it that one key signs, the next one if there is any, and that one is next.
func (s *Service) fillKeys(ctx context.Context, w Writer) error {
	rows, err := w.SigningKeys(ctx)
	if err != nil {
		return err
	}
	var active bool
	var next []string // oldest first
	for _, k := range rows {
		active = active || k.State == token.Active
		if k.State == token.Next {
			next = append(next, k.ID)
		}
	}
	switch {
	case active:
	case len(next) > 0:
		if err := moveKey(ctx, w, next[0], token.Next, token.Active, time.Time{}); err != nil {
			return err
		}
		next = next[1:]
	default:
		if err := s.addKey(ctx, w, token.Active); err != nil {
			return err
		}
	}
	if len(next) > 0 {
		return nil
	}
	return s.addKey(ctx, w, token.Next)
}

// moveKey changes the state of a key that nobody else has moved.
func moveKey(ctx context.Context, w Writer, id string, from, to token.KeyState, until time.Time) error {
	moved, err := w.MoveSigningKey(ctx, id, from, to, until)
	if err == nil && !moved {
		err = errRotated
	}
	return err
}

var errRotated = errors.New("another node rotated the keys")

// wasFirst reports whether another node has just made, or moved, the keys.
func wasFirst(err error) bool {
	var clash *TakenError
	return errors.Is(err, errRotated) || errors.As(err, &clash)
}

// RotateKeys lets the next key sign, retires the one that signed until every token of its is dead
// (life after now), and publishes a new next one. A rotation by another node at the same time is taken for this one.
func (s *Service) RotateKeys(ctx context.Context, life time.Duration) error {
	until := s.now().Add(life)
	err := s.store.Update(ctx, func(w Writer) error {
		rows, err := w.SigningKeys(ctx)
		if err != nil {
			return err
		}
		for _, k := range rows {
			if k.State != token.Active {
				continue
			}
			if err := moveKey(ctx, w, k.ID, token.Active, token.Retired, until); err != nil {
				return err
			}
		}
		return s.fillKeys(ctx, w)
	})
	if err != nil && !wasFirst(err) {
		return fmt.Errorf("rotate signing keys: %w", err)
	}
	return s.LoadKeys(ctx)
}

// KeyAge is how long the key that signs has been signing: the next one came with the last rotation.
func (s *Service) KeyAge(ctx context.Context) (age time.Duration, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		rows, err := r.SigningKeys(ctx)
		for _, k := range rows {
			if k.State == token.Next {
				age = s.now().Sub(k.Created)
			}
		}
		return err
	})
	return age, err
}

// JWKS is the public half of the published keys (RFC 7517 §5).
func (s *Service) JWKS() []byte {
	if set := s.keys.Load(); set != nil {
		return set.JWKS()
	}
	return []byte(`{"keys":[]}`)
}

// addKey inserts a new key, its private half sealed and bound to its id.
func (s *Service) addKey(ctx context.Context, w Writer, state token.KeyState) error {
	key, err := token.NewSigningKey(keyAlg, "")
	if err != nil {
		return err
	}
	private, err := key.MarshalPrivate()
	if err != nil {
		return err
	}
	sealed := s.box.Seal(append([]byte{byte(keyAlg)}, private...), []byte(key.ID()))
	return w.InsertSigningKey(ctx, &StoredKey{ID: key.ID(), Sealed: sealed, State: state, Created: s.now()})
}

func (s *Service) readKeys(ctx context.Context) (*token.KeySet, error) {
	var rows []StoredKey
	err := s.store.View(ctx, func(r Reader) (err error) {
		rows, err = r.SigningKeys(ctx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	var keys []token.SetKey
	for _, row := range rows {
		if row.State == token.Retired && !s.now().Before(row.Until) {
			continue
		}
		private, err := s.box.Open(row.Sealed, []byte(row.ID))
		if err != nil || len(private) == 0 {
			return nil, fmt.Errorf("open signing key %s: %w (is this the root key the database was made with?)", row.ID, err)
		}
		key, err := token.ParsePrivate(token.Alg(private[0]), row.ID, private[1:])
		if err != nil {
			return nil, fmt.Errorf("parse signing key %s: %w", row.ID, err)
		}
		keys = append(keys, token.SetKey{Key: key, State: row.State, Until: row.Until})
	}
	return token.NewKeySet(keys)
}
