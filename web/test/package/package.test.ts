// @vitest-environment node
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { describe, expect, it } from "vitest";

const web = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
const description = JSON.parse(readFileSync(resolve(web, "package.json"), "utf8"));
const entries = Object.keys(description.exports).filter((path) => path !== "./package.json");

/** The names of a package's own entry points, as a program imports them. */
const named = (path: string) => description.name + path.slice(1);

/** What a bundler makes of a small program. */
async function bundled(program: string): Promise<string> {
  const entry = resolve(web, "program.js");
  const result = await build({
    root: web,
    configFile: false,
    logLevel: "silent",
    plugins: [
      {
        name: "program",
        enforce: "pre",
        resolveId: (id: string) => (id === entry ? entry : undefined),
        load: (id: string) => (id === entry ? program : undefined),
      },
    ],
    build: { write: false, minify: false, lib: { entry, formats: ["es"] } },
  });
  const outputs = [result].flat().flatMap((one) => ("output" in one ? one.output : []));
  return outputs.map((chunk) => ("code" in chunk ? chunk.code : "")).join("\n");
}

// npm and compilers take seconds where the machine is busy.
describe("the package", { timeout: 120_000 }, () => {
  it("has every entry point that it names, with types", () => {
    for (const path of entries) {
      const { types, default: code } = description.exports[path];
      expect(existsSync(resolve(web, types)), types).toBe(true);
      expect(existsSync(resolve(web, code)), code).toBe(true);
    }
  });

  it("holds the library and nothing else", () => {
    const listing = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
      cwd: web,
      encoding: "utf8",
    });
    const files: string[] = JSON.parse(listing)[0].files.map((file: { path: string }) => file.path);
    expect(files).toContain("lib/index.js");
    expect(files).toContain("README.md");
    const strange = files.filter(
      (file) => !/^(lib\/.*\.(js|d\.ts)(\.map)?|package\.json|README\.md|LICENSE)$/.test(file),
    );
    expect(strange).toEqual([]);
    expect(files.filter((file) => /pages|doctor/.test(file))).toEqual([]);
  });

  it("is read by Node as it is, without a page", () => {
    const program = entries
      .filter((path) => !path.startsWith("./element"))
      .map((path) => `await import(${JSON.stringify(named(path))});`)
      .join("\n");
    execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd: web });
  });

  it("keeps its promises to a strict compiler", () => {
    execFileSync(
      process.execPath,
      [resolve(web, "node_modules/typescript/bin/tsc"), "-p", "test/package/tsconfig.json"],
      {
        cwd: web,
      },
    );
  });

  it("leaves out of a bundle what a program does not use", async () => {
    const codec = await bundled(`export { decode } from "${named("./protocol")}";`);
    expect(codec).not.toContain("RTCPeerConnection");
    expect(codec).not.toContain("LitElement");
    const link = await bundled(`export { Link } from "${named(".")}";`);
    expect(link).not.toContain("RTCPeerConnection(");
    expect(link).not.toContain("LitElement");
    expect((await bundled(`import "${named(".")}";`)).trim()).toBe("");
  });
});
