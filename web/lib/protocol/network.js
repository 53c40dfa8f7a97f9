/** What a NAT's mapping or filtering depends on (RFC 4787). */
export const NAT_BEHAVIOURS = ["endpoint_independent", "address_dependent", "address_and_port_dependent"];
//# sourceMappingURL=network.js.map