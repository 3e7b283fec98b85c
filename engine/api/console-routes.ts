import { join } from "node:path";

import type { Api, ApiContext } from "./api-env.ts";

/** Where the bundled console lies; made when somebody first asks. */
export interface Console {
  path(): Promise<string>;
}

/** Nothing from elsewhere, no inline script; styles that the console sets by script are no inline styles. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The console's pages: all of them are the same document. */
const PAGES = [
  "/",
  "/sagas",
  "/sagas/:id",
  "/parked",
  "/consumers",
  "/pipeline",
  "/definitions",
  "/definitions/:name",
] as const;

/** Names that the bundler gives: nothing of another folder is looked up. */
const ASSET = /^[\w-]+\.(js|css)$/;
const MEDIA: Readonly<Record<string, string>> = {
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  html: "text/html; charset=utf-8",
};

/** The console, for people. It asks for no key: it holds nothing but itself, and calls the API as whoever signs in. */
export function addConsoleRoutes(app: Api, console: Console): void {
  for (const path of PAGES) app.get(path, async (c) => file(c, console, "index.html", "no-cache"));
  app.get("/assets/:name", async (c) => {
    const name = c.req.param("name");
    if (!ASSET.test(name)) return c.notFound();
    return file(c, console, name, "public, max-age=31536000, immutable");
  });
}

/**
 * For a person who opened an address at which nothing stands: the console says so, with its navigation. Undefined for
 * programs, which get a problem; under `/v1` everybody is one.
 */
export async function unknownPage(c: ApiContext, console: Console): Promise<Response | undefined> {
  const { method, path } = c.req;
  if ((method !== "GET" && method !== "HEAD") || /^\/v1(?:\/|$)/.test(path)) return undefined;
  if (!prefersPage(c.req.header("accept") ?? "")) return undefined;
  const page = await fileOf(c, console, "index.html", "no-store");
  if (page === undefined) return undefined;
  page.headers.set("vary", "accept, accept-encoding");
  return new Response(page.body, { status: 404, headers: page.headers });
}

/** A browser names HTML when it opens an address; whoever takes JSON by name is none. */
function prefersPage(accept: string): boolean {
  const taken = accept
    .toLowerCase()
    .split(",")
    .filter((range) => !/;\s*q=0(?:\.0*)?\s*$/.test(range))
    .map((range) => range.split(";")[0]?.trim());
  return taken.includes("text/html") && !taken.some((type) => /^application\/(?:[a-z0-9.-]+\+)?json$/.test(type ?? ""));
}

async function file(c: ApiContext, console: Console, name: string, caching: string): Promise<Response> {
  return (await fileOf(c, console, name, caching)) ?? c.notFound();
}

async function fileOf(c: ApiContext, console: Console, name: string, caching: string): Promise<Response | undefined> {
  const found = Bun.file(join(await console.path(), `${name}.gz`));
  if (!(await found.exists())) return undefined;
  const headers = {
    "content-type": MEDIA[name.replace(/^.*\./, "")] ?? "application/octet-stream",
    "cache-control": caching,
    "content-security-policy": POLICY,
    "referrer-policy": "no-referrer",
    vary: "accept-encoding",
  };
  const packed = await found.bytes();
  if (/\bgzip\b/.test(c.req.header("accept-encoding") ?? "")) {
    return new Response(packed, { headers: { ...headers, "content-encoding": "gzip" } });
  }
  return new Response(Bun.gunzipSync(packed), { headers });
}
