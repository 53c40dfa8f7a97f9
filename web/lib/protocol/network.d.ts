/** What a NAT's mapping or filtering depends on (RFC 4787). */
export declare const NAT_BEHAVIOURS: readonly ["endpoint_independent", "address_dependent", "address_and_port_dependent"];
/** See {@link NAT_BEHAVIOURS}. */
export type NATBehaviour = (typeof NAT_BEHAVIOURS)[number];
/** What an end knows of the network that it is in. What is left out is not known, or not so. */
export interface Network {
    mapping?: NATBehaviour;
    filtering?: NATBehaviour;
    /** The address seen outside is the end's own. */
    public?: boolean;
    /** Nothing came back over UDP. */
    udp_blocked?: boolean;
    port_preserved?: boolean;
    /** What the NAT adds to the port from one mapping to the next. */
    port_step?: number;
    hairpin?: boolean;
    double_nat?: boolean;
    ipv6?: boolean;
    /** The protocol that opened the router's ports, or why none did. */
    port_mapping?: string;
    mapping_fault?: string;
    /** The end is reached over TCP from outside. */
    tcp?: boolean;
}
