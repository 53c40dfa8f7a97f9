import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    // The pages' policy allows no data: scripts or styles, and one small file is as fast as an inlined one.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "watch.html"] },
  },
  test: {
    environment: "happy-dom",
    include: ["test/**/*.test.ts"],
  },
});
