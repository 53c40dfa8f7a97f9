import { defineConfig } from "vite";

// One file with a name that stays, for other sites' pages: /sightline-camera.js. A build of its own, so that the watch
// page keeps being one file too.
export default defineConfig({
  publicDir: false,
  build: {
    target: "es2022",
    emptyOutDir: false,
    lib: { entry: "src/element/define.ts", formats: ["es"], fileName: () => "sightline-camera.js" },
  },
});
