package jwks

// JunkKids is the number of kids the client remembers as unknown to the issuer.
func (c *Client) JunkKids() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.schedule.junk)
}
