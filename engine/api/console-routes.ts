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

async function file(c: ApiContext, console: Console, name: string, caching: string): Promise<Response> {
  const found = Bun.file(join(await console.path(), `${name}.gz`));
  if (!(await found.exists())) return c.notFound();
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
