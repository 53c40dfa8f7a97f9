/** Everything but the element: what a program needs to show a camera in its own way. */
export * from "./link/index.js";
export * from "./session/index.js";
export * from "./viewer/index.js";
//# sourceMappingURL=index.js.map