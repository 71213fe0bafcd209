//go:build linux

package main

import "math"

// chance is a row of numbers that look drawn by lot and are the same for the same seed
// (splitmix64). No secret comes from it.
type chance struct{ state uint64 }

func newChance(seed uint64) *chance { return &chance{seed} }

func (c *chance) next() uint64 {
	c.state += 0x9e3779b97f4a7c15
	z := c.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// below is a number from 0 to n-1.
func (c *chance) below(n int) int { return int(c.next() % uint64(n)) }

// part is a number from 0 to 1, and never 0.
func (c *chance) part() float64 { return float64(c.next()>>11+1) / (1 << 53) }

// wait is the time to the next event of those that come at a rate, by chance.
func (c *chance) wait(rate float64) float64 { return -math.Log(c.part()) / rate }
