package server

import (
	"doorward/internal/account"
	"doorward/internal/django"
	"doorward/internal/web"
	"doorward/internal/web/djoser"
)

// permissions are REST framework's and djoser's classes, by the names that package django has for them.
var permissions = map[string]djoser.Permission{
	"anyone":    {Access: web.Anyone, Reach: account.Everybody},
	"signed-in": {Access: web.SignedIn, Reach: account.Everybody},
	"staff":     {Access: web.Staff, Reach: account.Everybody},
	"own":       {Access: web.SignedIn, Reach: account.OwnOrStaff},
}

// djoserOf is what a set of Django settings asks of djoser.
func djoserOf(d *django.Djoser) djoser.Options {
	o := djoser.Options{
		Login: d.Login, ID: d.ID, RetypeNew: d.RetypeNew, RetypeLogin: d.RetypeLogin, RetypePassword: d.RetypePassword,
		RetypeResetPassword: d.RetypeResetPassword, RetypeResetLogin: d.RetypeResetLogin, Permissions: map[string]djoser.Permission{},
	}
	if d.Asked != nil {
		o.Asked = []djoser.Asked{}
	}
	for _, a := range d.Asked {
		o.Asked = append(o.Asked, djoser.Asked(a))
	}
	for name, class := range d.Permissions {
		o.Permissions[name] = permissions[class]
	}
	return o
}
