package web

import "doorward/internal/account"

// Declared describes a field that the operator declared, as a member of a body that by sends. new says that
// the body makes the row.
func Declared(f *account.FieldSpec, by account.Access, isNew bool) Field {
	kinds := map[account.FieldKind]Kind{account.Integer: Integer, account.Boolean: Boolean}
	label := f.Label
	if label == "" {
		label = string(f.Name)
	}
	may := f.Writable(by)
	if isNew {
		may = f.Givable(by)
	}
	return Field{
		Name: string(f.Name), Label: label, Help: f.Help, Kind: kinds[f.Kind], Required: isNew && may && f.Required,
		ReadOnly: !may, Null: f.Null, Blank: f.Blank, Max: f.MaxLength(), Spec: f,
	}
}
