package argon2id

// filling is a hash under way: memory is of cost.Lanes lanes, each of slices segments (RFC 9106 §3.4).
type filling struct {
	memory        []block
	cost          Cost
	lane, segment uint32 // lengths, in blocks
	buffer        *Buffer
}

// fill computes one segment.
func (f *filling) fill(pass, slice, lane uint32) {
	independent := pass == 0 && slice < slices/2 // RFC 9106 §3.4.1.3
	if independent {
		f.buffer.input = block{uint64(pass), uint64(lane), uint64(slice), uint64(len(f.memory)), uint64(f.cost.Time), kind}
	}
	index := uint32(0)
	if pass == 0 && slice == 0 {
		index = 2 // the first two blocks are from the seed
	}
	if independent && index != 0 {
		f.address()
	}
	base := lane * f.lane
	for ; index < f.segment; index++ {
		at := slice*f.segment + index
		previous := at - 1
		if at == 0 {
			previous = f.lane - 1
		}
		var j uint64
		if independent {
			if index%blockWords == 0 {
				f.address()
			}
			j = f.buffer.addresses[index%blockWords]
		} else {
			j = f.memory[base+previous][0]
		}
		compress(&f.memory[base+at], &f.memory[base+previous], &f.memory[f.reference(j, pass, slice, lane, index)], pass > 0)
	}
}

// address makes the next blockWords values of J1 and J2 (RFC 9106 §3.4.1.2).
func (f *filling) address() {
	b := f.buffer
	b.input[6]++
	var once block
	compress(&once, &b.input, &b.zero, false)
	compress(&b.addresses, &once, &b.zero, false)
}

// reference is the block that J1 and J2, the halves of j, stand for (RFC 9106 §3.4.2).
func (f *filling) reference(j uint64, pass, slice, lane, index uint32) uint32 {
	other := uint32(j>>32) % f.cost.Lanes
	if pass == 0 && slice == 0 {
		other = lane
	}
	// The area is what is finished of the last four segments, from start on.
	area, start := slice*f.segment, uint32(0)
	if pass > 0 {
		area, start = f.lane-f.segment, (slice+1)%slices*f.segment
	}
	switch {
	case other == lane:
		area += index - 1 // the previous block is of no use
	case index == 0:
		area--
	}
	x := uint64(uint32(j))
	x = x * x >> 32
	place := start + area - 1 - uint32(uint64(area)*x>>32)
	if place >= f.lane {
		place -= f.lane
	}
	return other*f.lane + place
}
