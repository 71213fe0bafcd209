package account

import (
	"context"
	"errors"
	"slices"
)

// public reports whether a profile of this kind has something to see for anyone.
func (k *ProfileKind) public() bool {
	return slices.ContainsFunc(k.Fields, func(f FieldSpec) bool { return f.Readable(Anyone) })
}

// ProfileFor is the user who has the profile of this kind and id, for who may see it: everybody where the kind
// has a field that anyone may read, else its owner and staff. Codes: ProfileNone.
func (s *Service) ProfileFor(ctx context.Context, who *Principal, kind string, id int64) (User, error) {
	u, err := s.UserByProfile(ctx, kind, id)
	switch {
	case errors.Is(err, ErrNotFound):
		return User{}, noProfile(kind)
	case err != nil:
		return User{}, err
	}
	if k := s.store.Model().Profile(kind); !k.public() && who.Access(u.ID) == Anyone {
		return User{}, noProfile(kind)
	}
	return u, nil
}

// OwnProfile is ProfileFor for who wants to change the profile: its owner, and nobody else, staff or not.
// Codes: ProfileNone, NotYours.
func (s *Service) OwnProfile(ctx context.Context, who *Principal, kind string, id int64) (User, error) {
	u, err := s.ProfileFor(ctx, who, kind, id)
	if err == nil && (who == nil || who.User.ID != u.ID) {
		return User{}, fail(NotYours)
	}
	return u, err
}

func noProfile(kind string) error {
	return &Error{Problems: []Problem{{Code: ProfileNone, Profile: kind}}}
}

// maxListed bounds the texts in one list of profiles, in bytes: people choose how much they write.
const maxListed = 8 << 20

// ProfilesFor lists the users whose profiles of a kind who may see, by the ids of the profiles: at most 10,000
// of them, and 8 MiB of their texts.
func (s *Service) ProfilesFor(ctx context.Context, who *Principal, kind string) (all []User, err error) {
	if k := s.store.Model().Profile(kind); k != nil && !k.public() && who.Access(0) < Staff {
		return s.ownProfile(ctx, who, kind)
	}
	const step = 200
	size := 0
	for after := int64(0); len(all) < maxPeople; {
		page, err := s.ListProfiles(ctx, kind, after, step)
		if err != nil {
			return nil, err
		}
		for i := range page {
			p, _ := page[i].Profiles.Of(kind)
			if after, size = p.ID, size+p.Values.size(); size > maxListed {
				return append(all, page[:i]...), nil
			}
		}
		all = append(all, page...)
		if len(page) < step {
			break
		}
	}
	return all, nil
}

// ownProfile is the list of somebody who sees his own profile alone.
func (s *Service) ownProfile(ctx context.Context, who *Principal, kind string) ([]User, error) {
	if who == nil {
		return nil, nil
	}
	p, ok := who.User.Profiles.Of(kind)
	if !ok {
		return nil, nil
	}
	u, err := s.ProfileFor(ctx, who, kind, p.ID)
	if refusal := Refusal(err); refusal != nil && refusal.Is(ProfileNone) { // it went meanwhile
		return nil, nil
	}
	return []User{u}, err
}
