package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
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

// ProfilesFor lists the users whose profiles of a kind who may see, by the ids of the profiles. Codes: TooMany of a list
// that is longer than the policy says, or has more than 8 MiB of texts.
func (s *Service) ProfilesFor(ctx context.Context, p *Policy, who *Principal, kind string) (all []User, err error) {
	if s.ownAlone(who, kind) {
		return s.ownProfile(ctx, who, kind)
	}
	limit := cmp.Or(p.Changes.ListLimit, maxPeople)
	err = s.store.View(ctx, func(r Reader) error {
		all, err = profilesAfter(ctx, r, kind, 0, limit+1)
		return err
	})
	switch {
	case err != nil && Refusal(err) == nil:
		return nil, fmt.Errorf("list the profiles %s: %w", kind, err)
	case err != nil:
		return nil, err
	case len(all) > limit:
		return nil, tooMany(limit)
	}
	return all, nil
}

// ProfilesPage is ProfilesFor in pages: those after so many others, and how many there are. That number, and where a
// page begins, may be a minute old where there are more than a thousand. Codes: Busy; TooMany of a page with more than
// 8 MiB of texts.
func (s *Service) ProfilesPage(ctx context.Context, who *Principal, kind string, skip, limit int) (page []User, count int, err error) {
	if s.ownAlone(who, kind) {
		page, err = s.ownProfile(ctx, who, kind)
		count = len(page)
		return page[min(skip, count):min(skip+limit, count)], count, err
	}
	count, err = s.profiled[kind].page(ctx, s, skip, func(r Reader, after int64) (err error) {
		page, err = profilesAfter(ctx, r, kind, after, limit)
		return err
	})
	if err != nil && Refusal(err) == nil {
		return nil, 0, fmt.Errorf("list the profiles %s: %w", kind, err)
	}
	return page, count, err
}

// ownAlone reports whether who sees no profile of a kind but his own.
func (s *Service) ownAlone(who *Principal, kind string) bool {
	k := s.store.Model().Profile(kind)
	return k != nil && !k.public() && who.Access(0) < Staff
}

// profilesAfter reads at most limit profiles, a few at a time, since their texts may be long. Codes: TooMany.
func profilesAfter(ctx context.Context, r Reader, kind string, after int64, limit int) (all []User, err error) {
	const step = 200
	size := 0
	for len(all) < limit {
		most := min(step, limit-len(all))
		page, err := r.UsersByProfile(ctx, kind, after, most)
		if err != nil {
			return nil, err
		}
		for i := range page {
			p, _ := page[i].Profiles.Of(kind)
			if after, size = p.ID, size+p.Values.size(); size > maxListed {
				return nil, tooMany(len(all) + i)
			}
		}
		if all = append(all, page...); len(page) < most {
			break
		}
	}
	return all, nil
}

func tooMany(limit int) error { return &Error{Problems: []Problem{{Code: TooMany, Limit: limit}}} }

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

// MakeProfile makes a profile for a user who has none of its kind. Codes: ProfileExists, and those of Edit.
func (s *Service) MakeProfile(ctx context.Context, by Access, u User, p Profile) (User, error) {
	if _, ok := u.Profiles.Of(p.Kind); ok {
		return User{}, &Error{Problems: []Problem{{Code: ProfileExists, Profile: p.Kind}}}
	}
	return s.Edit(ctx, by, u, Changes{Profiles: []Profile{p}})
}

// DeleteProfile removes a user's profile. Codes: ProfileNone.
func (s *Service) DeleteProfile(ctx context.Context, userID int64, kind string) error {
	if s.store.Model().Profile(kind) == nil {
		return &Error{Problems: []Problem{{Code: Unknown, Profile: kind}}}
	}
	err := s.update(ctx, userID, func(w Writer) error {
		was, err := w.DeleteProfile(ctx, kind, userID)
		if err == nil && !was {
			err = noProfile(kind)
		}
		return err
	})
	if err != nil && Refusal(err) == nil {
		return fmt.Errorf("delete the profile %s of user %d: %w", kind, userID, err)
	}
	return err
}

// UserByProfile is the user who has the profile of this kind and id, with it. ErrNotFound when there is none.
func (s *Service) UserByProfile(ctx context.Context, kind string, id int64) (u User, err error) {
	err = s.store.View(ctx, func(r Reader) error {
		u, err = r.UserByProfile(ctx, kind, id)
		return err
	})
	if err != nil {
		return User{}, fmt.Errorf("find the profile %s %d: %w", kind, id, err)
	}
	return u, nil
}
