import { afterEach, expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

const UTL = "EKIDEN_UTL is set and has no effect: this version knows no such variable (Did you mean EKIDEN_URL?)";

let server: ReturnType<typeof Bun.serve> | undefined;
afterEach(async () => {
  await server?.stop(true);
});

/** An engine that has nothing to list. */
function nothing(): string {
  server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => Response.json({ items: [], nextCursor: null }) });
  return server.url.origin;
}

test("a command that finds no engine names the mistyped variable that was to say where it is", async () => {
  const { code, out, err } = await ekiden(["list"], {
    EKIDEN_URL: "http://127.0.0.1:1",
    EKIDEN_UTL: "http://there:8080",
  });
  expect([code, out]).toEqual([3, ""]);
  expect(err).toStartWith(`${UTL}\nNo engine answers at http://127.0.0.1:1`);
}, 30_000);

test("it is said once, beside what a program reads", async () => {
  const environment = { EKIDEN_URL: nothing(), EKIDEN_UTL: "http://there:8080", EKIDEN_APIKEY: "ekiden_x" };
  const { code, out, err } = await ekiden(["list", "--json"], environment);
  expect([code, JSON.parse(out)]).toEqual([0, { items: [], nextCursor: null }]);
  expect(err.trim().split("\n").toSorted()).toEqual([
    "EKIDEN_APIKEY is set and has no effect: this version knows no such variable (Did you mean EKIDEN_API_KEY?)",
    UTL,
  ]);
}, 30_000);

test("a variable of the engine, or one that is close to none, is not for a command that talks to an engine", async () => {
  const environment = { EKIDEN_URL: nothing(), EKIDEN_DOMAIN: "domains", EKIDEN_SOMETHING_ELSE: "1" };
  expect((await ekiden(["list"], environment)).err).toBe("");
}, 30_000);

test("doctor says it among what it found, and not beside it too", async () => {
  const { out, err } = await ekiden(["doctor"], { EKIDEN_URL: "http://127.0.0.1:1", EKIDEN_UTL: "http://there:8080" });
  expect(out).toContain("EKIDEN_UTL");
  expect(err).not.toContain("EKIDEN_UTL");
}, 60_000);

test("what needs no engine says nothing", async () => {
  expect((await ekiden(["schema"], { EKIDEN_UTL: "http://there:8080" })).err).toBe("");
}, 30_000);
