import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

import { consoleFolder } from "../../engine/console/folder.ts";
import { type TestEngine, testEngine } from "../support/engine.ts";
import { tempHome } from "../support/temp-home.ts";

/** What the first page may weigh, compressed. */
const FIRST_LOAD_MAX = 32 * 1024;

setDefaultTimeout(60_000);

let engine: TestEngine;

beforeAll(async () => {
  engine = await testEngine("embedded");
});
afterAll(() => engine?.close());

test("its paths are one document without inline script; its files are immutable and compressed", async () => {
  const documents = await Promise.all(["/", "/sagas", "/sagas/anything", "/parked"].map((path) => get(path)));
  const [first = ""] = await Promise.all(documents.map((response) => response.text()));
  for (const { status, headers } of documents) {
    expect([status, headers.get("cache-control")]).toEqual([200, "no-cache"]);
    expect(headers.get("content-security-policy")).toContain("script-src 'self';");
  }
  expect(first).not.toMatch(/<script(?![^>]*src=)/);
  const assets = [...first.matchAll(/"(\/assets\/[^"]+)"/g)].map(([, path = ""]) => path);
  expect(assets.map((path) => path.replace(/^.*\./, "")).sort()).toEqual(["css", "js"]);
  for (const path of assets) {
    const { status, headers } = await get(path);
    expect([status, headers.get("content-encoding")]).toEqual([200, "gzip"]);
    expect(headers.get("cache-control")).toContain("immutable");
  }
});

test("what is no file of it, and the paths of the API, are answered as before", async () => {
  const statuses = await Promise.all(
    ["/assets/none-1234.js", "/assets/..%2findex.html", "/nothing", "/v1/me", "/docs", "/health/live"].map(
      async (path) => (await get(path)).status,
    ),
  );

  expect(statuses).toEqual([404, 404, 404, 200, 200, 200]);
});

const BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";

test.each([
  ["/nothing/here", BROWSER, "html"],
  ["/docs/nothing", BROWSER, "html"],
  ["/nothing/here", "*/*", "json"],
  ["/nothing/here", "application/json", "json"],
  ["/nothing/here", "application/json, text/html;q=0.5", "json"],
  ["/nothing/here", "text/html;q=0, */*", "json"],
  ["/v1/nothing", BROWSER, "json"],
  ["/v1", BROWSER, "json"],
])("where nothing stands, at %s for %s, the answer is 404 as %s", async (path, accept, form) => {
  for (const method of ["GET", "HEAD"]) {
    const { status, headers } = await fetch(`${engine.url}${path}`, { method, headers: { accept } });
    expect([status, headers.get("content-type")]).toEqual([
      404,
      form === "html" ? "text/html; charset=utf-8" : "application/problem+json",
    ]);
    if (form === "html") {
      expect(headers.get("content-security-policy")).toContain("script-src 'self';");
      expect(headers.get("vary")).toContain("accept,");
    }
  }
});

test("what is no GET has the JSON also for a browser", async () => {
  const { status, headers } = await fetch(`${engine.url}/nothing`, { method: "POST", headers: { accept: BROWSER } });
  expect([status, headers.get("content-type")]).toEqual([404, "application/problem+json"]);
});

test("the first load weighs at most 32 KB", async () => {
  const home = await tempHome();
  const folder = await consoleFolder(home.path).path();
  const names = readdirSync(folder);
  // What the overview alone asks for; the page of definitions reads `/v1/overview` too.
  const overview = names.filter((name) => textOf(folder, name).includes("/v1/retrying"));
  expect(overview).toHaveLength(1);
  const first = withImports(folder, [...names.filter((name) => /^(?:index|main-)/.test(name)), ...overview]);

  expect([...first].reduce((all, name) => all + statSync(join(folder, name)).size, 0)).toBeLessThan(FIRST_LOAD_MAX);
  expect(first.size).toBeGreaterThan(3);
  await home.remove();
});

/** Some files with all that they import at once; what is fetched later is not among it. */
function withImports(folder: string, names: readonly string[], found = new Set<string>()): Set<string> {
  for (const name of names) {
    if (found.has(name)) continue;
    found.add(name);
    const imported = [...textOf(folder, name).matchAll(/(?:\bfrom|\bimport)"\.\/([\w.-]+\.js)"/g)].map(
      ([, other]) => `${other}.gz`,
    );
    withImports(folder, imported, found);
  }
  return found;
}

function textOf(folder: string, name: string): string {
  return new TextDecoder().decode(Bun.gunzipSync(readFileSync(join(folder, name))));
}

test("several that ask at once, in several processes, get the same folder, and it is made once", async () => {
  const home = await tempHome();
  const made = await Promise.all([1, 2, 3].map(() => consoleFolder(home.path).path()));

  expect(new Set(made).size).toBe(1);
  expect(readdirSync(join(home.path, "console"))).toHaveLength(1);
  expect(existsSync(join(made[0] as string, "index.html.gz"))).toBe(true);
  await home.remove();
});

function get(path: string): Promise<Response> {
  return fetch(`${engine.url}${path}`);
}
