import { defineConfig } from "vite";

// The page /doctor, a build of its own: it shares code with the watch page, which has to keep being one file.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2022",
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["doctor.html"] },
  },
});
