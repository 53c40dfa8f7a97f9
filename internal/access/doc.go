// Package access keeps in memory who may look at what beyond a project's own tokens: the keys with which partners sign
// tokens, the devices that projects share, and the keys that were revoked. So no viewer's hello asks the store. What this
// process changes it takes up at once, what others change within some seconds.
package access
