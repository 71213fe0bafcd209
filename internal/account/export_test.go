package account

import (
	"fmt"
	"slices"
	"testing"
)

// TestDataIsForWhomItIsFor holds that an export has no field that its reader may not see, of the user or of a profile.
func TestDataIsForWhomItIsFor(t *testing.T) {
	var specs []FieldSpec
	for name, read := range map[Field]Access{"open": Anyone, "mine": Self, "notes": Staff, "hint": Nobody} {
		specs = append(specs, FieldSpec{Name: name, Kind: ShortText, Read: read})
	}
	m := OwnModel(Email, Folded)
	m.Extras, m.Profiles = specs, []ProfileKind{{Name: "profile", Fields: specs}}
	u := User{Profiles: ProfilesOf(Profile{Kind: "profile"})}
	for by, want := range map[Access][]string{
		Self: {"mine", "open"}, Staff: {"mine", "notes", "open"}, Nobody: {"hint", "mine", "notes", "open"},
	} {
		var user, profile []string
		for _, d := range m.Data(&u, by) {
			if m.Extra(Field(d.Name)) != nil {
				user = append(user, d.Name)
			}
			inner, _ := d.Value.([]Datum)
			for _, d := range inner {
				if d.Name != "id" {
					profile = append(profile, d.Name)
				}
			}
		}
		slices.Sort(user)
		slices.Sort(profile)
		if fmt.Sprint(user) != fmt.Sprint(want) || fmt.Sprint(profile) != fmt.Sprint(want) {
			t.Errorf("by %d:\n got: %v of the user, %v of the profile\nwant: %v of both", by, user, profile, want)
		}
	}
}
