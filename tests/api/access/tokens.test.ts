import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";

import { AccessBench } from "./access-bench.ts";

const AUDIENCE = "ekiden-test";
const algorithm = { name: "ECDSA", namedCurve: "P-256" };

let bench: AccessBench;
let issuer: ReturnType<typeof Bun.serve>;
let trusted: CryptoKeyPair;
let stranger: CryptoKeyPair;
let published: object[] = [];
let asked = 0;

const keyPair = () => crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]) as Promise<CryptoKeyPair>;
const publicKey = async (pair: CryptoKeyPair, kid: string) => ({
  ...(await crypto.subtle.exportKey("jwk", pair.publicKey)),
  kid,
  alg: "ES256",
});

beforeAll(async () => {
  [trusted, stranger] = await Promise.all([keyPair(), keyPair()]);
  published = [await publicKey(trusted, "one")];
  issuer = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: () => {
      asked += 1;
      return Response.json({ keys: published });
    },
  });
  const tokens = {
    keysUrl: `${issuer.url.origin}/keys`,
    issuer: "https://issuer.example",
    audience: AUDIENCE,
    algorithms: ["ES256"],
  } as const;
  bench = await AccessBench.open({}, { tokens });
}, 60_000);
afterAll(async () => {
  await issuer?.stop(true);
  await bench?.end();
});

const now = () => Math.floor(Date.now() / 1000);

async function token(claims: object = {}, pair = trusted, kid = "one"): Promise<string> {
  const payload = {
    iss: "https://issuer.example",
    aud: AUDIENCE,
    sub: "ann",
    exp: now() + 60,
    ekiden_role: "viewer",
    ekiden_definitions: "*",
    ...claims,
  };
  const signed = `${encoded({ alg: "ES256", typ: "JWT", kid })}.${encoded(payload)}`;
  const signature = await crypto.subtle.sign({ ...algorithm, hash: "SHA-256" }, pair.privateKey, Buffer.from(signed));
  return `${signed}.${Buffer.from(signature).toString("base64url")}`;
}

const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token of the issuer for this engine is taken, and grants what its claims say", async () => {
  expect((await bench.call(await token(), "GET", "/v1/sagas")).status).toBe(200);
  expect((await bench.call(await token(), "POST", "/v1/pipeline/restart", { reason: "x" })).code).toBe(
    "auth.forbidden",
  );
  const narrow = await token({ ekiden_definitions: ["loan"] });
  expect((await bench.call(narrow, "GET", "/v1/definitions/onboarding")).code).toBe("auth.forbidden");
  expect((await bench.call(null, "GET", "/v1/sagas")).code).toBe("auth.required");
});

test.each([
  ["expired", { exp: now() - 1 }, "JwtTokenExpired"],
  ["of no end", { exp: undefined }, "exp"],
  ["not good yet", { nbf: now() + 60 }, "JwtTokenNotBefore"],
  ["of another issuer", { iss: "https://other.example" }, "JwtTokenIssuer"],
  ["for another audience", { aud: "another" }, "JwtTokenAudience"],
  ["of nobody", { sub: undefined }, "sub"],
  ["of a role that is none", { ekiden_role: "root" }, "ekiden_role"],
  ["for no definitions", { ekiden_definitions: undefined }, "ekiden_definitions"],
])("a token %s is refused", async (_what, claims, why) => {
  const { code, text } = await bench.call(await token(claims), "GET", "/v1/sagas");
  expect([code, text]).toEqual(["auth.refused", expect.stringContaining(why)]);
});

test("a token that another key signed, or none, or the public key as if it were a secret, is refused", async () => {
  const [header = "", payload = "", signature] = (await token()).split(".");
  const claims = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
  const asSecret = `${encoded({ alg: "HS256", typ: "JWT", kid: "one" })}.${payload}`;
  const mac = createHmac("sha256", JSON.stringify(published[0])).update(asSecret).digest("base64url");
  const forged = [
    [await token({}, stranger), "JwtTokenSignatureMismatched"],
    [`${header}.${encoded({ ...claims, ekiden_role: "admin" })}.${signature}`, "JwtTokenSignatureMismatched"],
    [`${encoded({ alg: "none", typ: "JWT", kid: "one" })}.${payload}.AA`, "Jwt"],
    [`${asSecret}.${mac}`, "JwtSymmetricAlgorithmNotAllowed"],
  ] as const;
  for (const [each, why] of forged) {
    const { code, text } = await bench.call(each, "GET", "/v1/sagas");
    expect([code, text]).toEqual(["auth.refused", expect.stringContaining(why)]);
  }
});

test("the issuer is asked for its keys once, not for every token", async () => {
  await bench.call(await token(), "GET", "/v1/sagas");
  const before = asked;
  for (let at = 0; at < 5; at += 1) await bench.call(await token({ jti: String(at) }), "GET", "/v1/sagas");
  await bench.call(await token({}, stranger, "unknown"), "GET", "/v1/sagas");
  expect(asked).toBe(before);
});
