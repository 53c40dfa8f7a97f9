// Package portmap tests the agent's port mapping against miniupnpd, the program of most home routers.
package portmap
