package account

// What a process remembers at most, and how it forgets: for who plans how much memory and how many
// reads that makes. The last two are measured; a test holds them to what entries really take.
const (
	HotShards     = hotShards
	HotTokens     = hotShards * maxHotTokens
	HotUsers      = 150_000 // as many as their bytes have room for; half of them right after a turn
	HotTokenBytes = 240
	HotUserBytes  = 160
)
