import { expect, test } from "bun:test";

import { createApi } from "../../engine/api/server.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import { keptLog, readingEngine } from "./reading-engine.ts";

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly parameters?: readonly {
    readonly in: string;
    readonly name: string;
    readonly description?: string;
    readonly required?: boolean;
  }[];
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: object }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { readonly description?: string }>> };
}

const app = createApi({ engine: readingEngine(), sql: {} as Sql, log: keptLog() });
const document = (await (await app.request("/openapi.json")).json()) as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test("the document names every call of the API", () => {
  expect(document.openapi).toBe("3.1.0");
  expect(operations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
    "get /health/live",
    "get /health/ready",
    "get /metrics",
    "get /v1/audit",
    "get /v1/audit/verification",
    "get /v1/consumer-groups",
    "get /v1/consumer-groups/{group}",
    "get /v1/definitions",
    "get /v1/definitions/{definition}",
    "get /v1/definitions/{definition}/revisions/{hash}",
    "get /v1/definitions/{definition}/revisions/{hash}/graph",
    "get /v1/doctor",
    "get /v1/keys",
    "get /v1/language",
    "get /v1/me",
    "get /v1/messages",
    "get /v1/messages/{messageId}",
    "get /v1/overview",
    "get /v1/parked",
    "get /v1/parked/{groupId}",
    "get /v1/partitions",
    "get /v1/partitions/{partition}",
    "get /v1/partitions/{partition}/export",
    "get /v1/pipeline",
    "get /v1/projections/{group}/rebuild",
    "get /v1/redrives",
    "get /v1/redrives/{redriveId}",
    "get /v1/republish/{run}",
    "get /v1/retrying",
    "get /v1/sagas",
    "get /v1/sagas/{id}",
    "get /v1/sagas/{id}/events",
    "get /v1/sagas/{id}/steps",
    "get /v1/sagas/{id}/timeline",
    "get /v1/stream",
    "get /v1/verify",
    "post /v1/consumer-groups/{group}/pause",
    "post /v1/consumer-groups/{group}/resume",
    "post /v1/consumer-groups/{group}/rewind",
    "post /v1/definitions/compare",
    "post /v1/definitions/simulate",
    "post /v1/definitions/validate",
    "post /v1/definitions/{definition}/restore",
    "post /v1/definitions/{definition}/retire",
    "post /v1/keys",
    "post /v1/keys/{name}/revoke",
    "post /v1/messages/{messageId}/dismiss",
    "post /v1/messages/{messageId}/redrive",
    "post /v1/partitions/{partition}/drop",
    "post /v1/pipeline/restart",
    "post /v1/projections/{group}/rebuild",
    "post /v1/redrives",
    "post /v1/redrives/{redriveId}/continue",
    "post /v1/redrives/{redriveId}/stop",
    "post /v1/republish",
    "post /v1/sagas/{id}",
    "post /v1/sagas/{id}/cancel",
    "post /v1/sagas/{id}/resolve",
    "post /v1/sagas/{id}/retry",
    "post /v1/sagas/{id}/signals/{signal}",
    "post /v1/sagas/{id}/skip",
    "post /v1/sagas/{id}/terminate",
  ]);
});

test("every route is documented", () => {
  const written = new Set(operations.map(({ method, path }) => `${method.toUpperCase()} ${path}`));
  const routes = app.routes.filter((route) => route.method !== "ALL" && /^\/(v1|health)/.test(route.path));
  const missing = routes
    .map((route) => `${route.method} ${route.path.replaceAll(/:(\w+)/g, "{$1}")}`)
    .filter((route) => !written.has(route));
  expect(missing).toEqual([]);
});

test("no two paths differ in the names of their parameters only", () => {
  const shapes = Object.keys(document.paths).map((path) => path.replaceAll(/\{\w+\}/g, "{}"));
  expect(new Set(shapes).size).toBe(shapes.length);
});

test("every reference leads to a schema, and every schema is used", () => {
  const named = Object.keys(document.components.schemas);
  const used = new Set(
    [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1] ?? ""),
  );
  expect([...used].sort()).toEqual(named.sort());
});

test("every schema, call and parameter is described", () => {
  for (const schema of Object.values(document.components.schemas)) expect(schema.description).toBeString();
  for (const { path, operation } of operations) {
    expect(operation.summary).toBeString();
    const parameters = operation.parameters ?? [];
    for (const parameter of parameters) expect(parameter.description).toBeString();
    const inPath = parameters.filter((parameter) => parameter.in === "path");
    expect(inPath.map((parameter) => `{${parameter.name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
    expect(inPath.every((parameter) => parameter.required)).toBeTrue();
    expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size).toBe(parameters.length);
  }
  expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length);
});

test("the page of the documentation loads nothing from elsewhere and runs no inline script", async () => {
  const page = await app.request("/docs");
  const html = await page.text();
  const policy = page.headers.get("content-security-policy") ?? "";
  expect(policy).toContain("script-src 'self';");
  expect(policy).not.toContain("unsafe");
  expect(html).not.toMatch(/<script(?![^>]* src=)|https?:\/\/| on\w+=|<style/);
  for (const [, file = ""] of html.matchAll(/(?:src|href)="([^"]+)"/g)) {
    const response = await app.request(file);
    expect([file, response.status]).toEqual([file, 200]);
    expect((await response.arrayBuffer()).byteLength).toBeGreaterThan(0);
  }
  expect((await app.request("/docs/package.json")).status).toBe(404);
});
