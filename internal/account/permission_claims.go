package account

import "context"

// The names of the claims that say what a user may do.
const (
	groupsClaim      = "groups"
	permissionsClaim = "permissions"
)

// RightsClaims are the claims that an operator asked for: the groups of the user, all that he may do.
func RightsClaims(groups, permissions bool) (claims []Claim) {
	if groups {
		claims = append(claims, Claim{Name: groupsClaim, Source: FromGroups})
	}
	if permissions {
		claims = append(claims, Claim{Name: permissionsClaim, Source: FromPermissions})
	}
	return claims
}

// ClaimedRights are what a token says of what its user may do. Nil is too much for a token, which is null there.
type ClaimedRights struct{ groups, permissions []string }

// claim is the value of a claim. Who has nothing has an empty list; who reads null asks the server.
func (c *ClaimedRights) claim(src Source) any {
	if c == nil {
		return nil
	}
	list := c.groups
	if src == FromPermissions {
		list = c.permissions
	}
	if list == nil {
		return nil
	}
	return list
}

// loadRights reads what the tokens of p say of what u may do, and nothing where they say nothing of it.
func loadRights(ctx context.Context, r Reader, p *Policy, u *User) error {
	wantGroups, wantPermissions := p.Tokens.claim(FromGroups) != "", p.Tokens.claim(FromPermissions) != ""
	if !wantGroups && !wantPermissions {
		return nil
	}
	room := p.Tokens.RightsRoom
	u.Claimed = &ClaimedRights{}
	if wantGroups {
		groups, err := r.GroupsOf(ctx, u.ID, maxRights+1)
		if err != nil {
			return err
		}
		names := make([]string, len(groups))
		for i := range groups {
			names[i] = groups[i].Name
		}
		u.Claimed.groups = fitting(names, groupsClaim, &room)
	}
	if wantPermissions {
		texts, err := permissionsOf(ctx, r, u)
		if err != nil {
			return err
		}
		u.Claimed.permissions = fitting(texts, permissionsClaim, &room)
	}
	return nil
}

// fitting is a list that is not nil, and takes its part of the room; nil where it does not fit.
func fitting(list []string, name string, room *int) []string {
	size := len(`"":[],`) + len(name)
	for _, text := range list {
		if size += len(`"",`) + claimBytes(text); size > *room || len(list) > maxRights {
			return nil
		}
	}
	*room -= size
	return append([]string{}, list...)
}

// claimBytes is how many bytes of JSON a text takes in a token, which escapes what is not printable ASCII.
func claimBytes(text string) (n int) {
	for _, r := range text {
		switch {
		case r > 0xffff:
			n += len(`\ud83d\ude00`)
		case r < ' ' || r > '~':
			n += len(`\u00e9`)
		case r == '"' || r == '\\':
			n += len(`\"`)
		default:
			n++
		}
	}
	return n
}
