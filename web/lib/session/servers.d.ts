/** A STUN server's place, as its URL tells it (RFC 7064). */
export interface Place {
    /** A name or an address; IPv6 without brackets. */
    host: string;
    port: number;
}
/** The STUN servers that are asked over UDP, each once. */
export declare function stunPlaces(servers: readonly RTCIceServer[]): Place[];
/** Whether a relay can be had over UDP from a server. */
export declare function takesUDP({ urls }: RTCIceServer): boolean;
/** Whether a URL is that of a relay over UDP. */
export declare function overUDP(url: string): boolean;
/** Whether a URL is that of a relay (RFC 7065). */
export declare function isRelay(url: string): boolean;
/** Whether a text is an IPv4 address that everybody may have a way to. */
export declare function isPublic4(address: string): boolean;
/** Whether a text is an IPv6 address of the global unicast range (RFC 4291 section 2.5.4). */
export declare function isGlobal6(address: string): boolean;
