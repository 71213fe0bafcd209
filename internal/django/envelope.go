package django

// readEnvelope takes the settings of a server whose own views sign people up and in, and give them SimpleJWT's tokens.
func (c *Condition) readEnvelope(s *object) {
	c.readSimpleMount(s)
	c.Policy.StrangersRules = true // its serializer validates a password without a user (recorded)
}
