import { ProtocolError } from "../protocol/error.js";
import { VERSION } from "../protocol/limits.js";
/** With what a link comes to its hub: the token, and the proof that a link is its own. */
export class Credentials {
    #options;
    #token;
    /** Whether the token was renewed since the hub last took one: a second refusal in a row is final. */
    #renewed = false;
    /** Kept in memory only, so a duplicated tab is another client. */
    #resume;
    constructor(options) {
        this.#options = options;
        this.#token = options.token;
    }
    /** Uses another token from the next hello on. */
    setToken(token) {
        this.#token = token;
    }
    /** Asks for another token after a refusal; says whether there is one that has not been refused too. */
    async renew(why) {
        this.forget();
        const ask = this.#renewed || why.code === "version" ? undefined : this.#options.renewToken;
        const token = await ask?.(why).catch(() => undefined);
        if (!token)
            return false;
        this.#token = token;
        this.#renewed = true;
        return true;
    }
    /** Lets a refused token be asked for again. */
    begin() {
        this.#renewed = false;
    }
    /** The first message of a carrier. */
    hello(received, fallback) {
        const hello = {
            version: VERSION,
            role: "viewer",
            token: this.#token,
            client: this.#options.client ?? { name: "sightline-web" },
        };
        if (this.#resume)
            hello.resume = { ...this.#resume, received };
        if (fallback)
            hello.fallback = fallback;
        return hello;
    }
    /** Refuses a welcome that resumes a link which is not this one. */
    check({ resumed, link }) {
        if (!resumed || link === this.#resume?.link)
            return;
        throw new ProtocolError("sequence", "the hub resumed a link that this client did not name");
    }
    /** Keeps the proof that a welcome brings. Even a hub that cannot resume learns from it whose old socket it may close. */
    keep({ link, key }) {
        this.#renewed = false;
        this.#resume = { link, key };
    }
    /** The next hello asks for a new link. */
    forget() {
        this.#resume = undefined;
    }
}
//# sourceMappingURL=credentials.js.map