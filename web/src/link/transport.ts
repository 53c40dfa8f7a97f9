/** What carries a link's messages for a while: a WebSocket, or anything else that keeps their order. */
export interface Transport {
  /** Sends one message. Does nothing before opened and after closed. */
  send(message: string): void;
  /** Ends it; no event follows. */
  close(code: number, reason: string): void;
}

/** What a transport tells its owner, never before the function that made it has returned. */
export interface TransportEvents {
  opened(): void;
  message(message: string): void;
  /** It ended without our doing; code is a WebSocket close code. */
  closed(code: number): void;
}

/** Makes a transport to a hub. */
export type Connect = (hub: URL, events: TransportEvents) => Transport;
