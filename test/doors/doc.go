// Package doors tests the doors of the hub with the agent's own code on the other side, through what stands between them in
// other people's networks: the server in this process, a middlebox before it, the agent or links of package
// uplink behind that.
package doors
