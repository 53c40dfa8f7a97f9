// Package abuse holds the agent to what docs/security.md promises of a viewer that means harm: the real server and the real
// agent stand in a town of network namespaces, somebody watches, and somebody else with a good token attacks third parties,
// the camera's network and the camera. What leaves the camera is counted by its kernel.
package abuse
