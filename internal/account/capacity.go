package account

// What a process remembers at most, and how it forgets: for who plans how much memory and how many
// reads that makes. The last two are measured; a test holds them to what entries really take.
const (
	HotShards     = hotShards
	HotTokens     = hotShards * maxHotTokens
	HotUsers      = hotShards * maxHotUsers
	HotTokenBytes = 208
	HotUserBytes  = 360
)
