import { ProtocolError } from "../protocol/error.ts";
import type { Fallback } from "../protocol/fallback.ts";
import type { Hello, Welcome } from "../protocol/handshake.ts";
import type { LinkOptions } from "./options.ts";
/** With what a link comes to its hub: the token, and the proof that a link is its own. */
export declare class Credentials {
    #private;
    constructor(options: LinkOptions);
    /** Uses another token from the next hello on. */
    setToken(token: string): void;
    /** Asks for another token after a refusal; says whether there is one that has not been refused too. */
    renew(why: ProtocolError): Promise<boolean>;
    /** Lets a refused token be asked for again. */
    begin(): void;
    /** The first message of a carrier. */
    hello(received: number, fallback: Fallback | undefined): Hello;
    /** Refuses a welcome that resumes a link which is not this one. */
    check({ resumed, link }: Welcome): void;
    /** Keeps the proof that a welcome brings. Even a hub that cannot resume learns from it whose old socket it may close. */
    keep({ link, key }: Welcome): void;
    /** The next hello asks for a new link. */
    forget(): void;
}
