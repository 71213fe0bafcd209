package account

import "context"

type askerKey struct{}

// Asking says who asks, for the mails that a call may cause.
func Asking(ctx context.Context, a Asker) context.Context {
	return context.WithValue(ctx, askerKey{}, a)
}

func askerOf(ctx context.Context) Asker {
	a, _ := ctx.Value(askerKey{}).(Asker)
	return a
}
