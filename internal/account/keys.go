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
			s.keys.Store(set)
			return nil
		}
		err = s.store.Update(ctx, func(w Writer) error {
			if err := s.addKey(ctx, w, token.Active); err != nil {
				return err
			}
			return s.addKey(ctx, w, token.Next)
		})
		var clash *TakenError
		if err != nil && !errors.As(err, &clash) { // a clash: another node was first
			return fmt.Errorf("make signing keys: %w", err)
		}
	}
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
		for _, move := range []struct{ from, to token.KeyState }{{token.Active, token.Retired}, {token.Next, token.Active}} {
			for _, k := range rows {
				if k.State != move.from {
					continue
				}
				if ok, err := w.MoveSigningKey(ctx, k.ID, move.from, move.to, until); err != nil || !ok {
					return errors.Join(err, errRotated)
				}
			}
		}
		return s.addKey(ctx, w, token.Next)
	})
	if err != nil && !errors.Is(err, errRotated) {
		return fmt.Errorf("rotate signing keys: %w", err)
	}
	return s.LoadKeys(ctx)
}

var errRotated = errors.New("another node rotated the keys")

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
