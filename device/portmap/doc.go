// Package portmap asks the router of the network for ports that lead to the device from outside: by PCP (RFC 6887),
// else NAT-PMP (RFC 6886), else UPnP's Internet Gateway Device.
//
// A Mapper maps one UDP and one TCP port, renews them, makes them anew when the router has forgotten them, and removes
// them at the end. All of it goes on in the background: whoever wants the mapping looks at the newest one.
//
// What answers is whoever has the gateway's address on an untrusted network. So every answer is bounded in size, time
// and number, nothing but the gateway's own address is ever spoken to, and no answer makes the device do more than try
// again later. Whether a mapping really lets packets through is for package reach to find out.
package portmap
