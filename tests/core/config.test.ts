import { expect, test } from "bun:test";
import { parseConfig } from "../../engine/config.ts";

test("without any variable everything runs in one process on loopback", () => {
  expect(parseConfig({})).toMatchObject({
    host: "127.0.0.1",
    port: 8080,
    roles: { api: true, dispatcher: true, domains: "all" },
    production: false,
  });
});

test("an empty variable counts as unset", () => {
  expect(parseConfig({ PORT: "", DATABASE_URL: "" })).toMatchObject({ port: 8080, databaseUrl: undefined });
});

test.each([
  [{ EKIDEN_ROLES: "api,dispatcher" }],
  [{ EKIDEN_ROLES: "domains" }],
  [{ EKIDEN_ROLES: "dispatcher,domain:screening" }],
])("the embedded transport cannot be split over processes: %p", (environment) => {
  expect(() => parseConfig(environment)).toThrow("needs Kafka");
});

test("on Kafka roles are split as one likes, and an API alone needs no Kafka", () => {
  const kafka = { KAFKA_BROKERS: "127.0.0.1:9092" };
  expect(parseConfig({ ...kafka, EKIDEN_ROLES: "domain:screening" }).roles).toEqual({
    api: false,
    dispatcher: false,
    domains: new Set(["screening"]),
  });
  expect(parseConfig({ EKIDEN_ROLES: "api" }).roles).toMatchObject({ api: true, dispatcher: false });
});

test("every fault is named at once", () => {
  const wrong = { PORT: "99999", EKIDEN_JWT_ISSUER: "https://me", KAFKA_CONNECT_URL: "http://127.0.0.1:8083" };
  expect(() => parseConfig(wrong)).toThrow(
    /PORT[\s\S]*KAFKA_BROKERS[\s\S]*EKIDEN_JWT_KEYS_URL, EKIDEN_JWT_AUDIENCE must be set too/,
  );
});

test("what says how Kafka is reached must go together", () => {
  const parsed = (more: Record<string, string>) => () => parseConfig({ KAFKA_BROKERS: "127.0.0.1:9092", ...more });
  const password = { KAFKA_SASL_USERNAME: "me", KAFKA_SASL_PASSWORD: "secret" };
  expect(parsed({})().kafka?.security).toEqual({});
  expect(parsed({ KAFKA_TLS: "on", KAFKA_SASL_MECHANISM: "plain", ...password })().kafka?.security).toEqual({
    ssl: { rejectUnauthorized: true },
    sasl: { mechanism: "plain", username: "me", password: "secret" },
  });
  expect(parsed({ KAFKA_SASL_MECHANISM: "plain", ...password })).toThrow("plain needs KAFKA_TLS=on");
  expect(parsed(password)).toThrow("KAFKA_SASL_PASSWORD go together");
  expect(parsed({ KAFKA_TLS_CA: "/nowhere" })).toThrow("KAFKA_TLS_CA cannot be read");
  expect(parsed({ KAFKA_TLS: "off", KAFKA_TLS_CA: import.meta.path })).toThrow("KAFKA_TLS is off");
  expect(parsed({ KAFKA_TLS_CERT: import.meta.path })).toThrow("KAFKA_TLS_CERT and KAFKA_TLS_KEY go together");
});
