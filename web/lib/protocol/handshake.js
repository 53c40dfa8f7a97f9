export {};
//# sourceMappingURL=handshake.js.map