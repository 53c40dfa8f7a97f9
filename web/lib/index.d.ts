/** Everything but the element: what a program needs to show a camera in its own way. */
export * from "./link/index.ts";
export * from "./session/index.ts";
export * from "./viewer/index.ts";
