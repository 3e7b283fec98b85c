import type { InferOutput } from "valibot";

import type { Definition } from "../core/definition.ts";
import { stepAt } from "../core/path.ts";
import { loadDefinition } from "../definition/load.ts";
import { clipped, layoutOf } from "../graph/layout.ts";
import { outlineOf } from "../graph/outline.ts";
import { readRevision } from "../timeline/read-definitions.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { describe } from "./describe.ts";
import type { Graph } from "./graph-schema.ts";
import { definitionNameOf, hashOf, unknownRevision } from "./unknown.ts";

/** Pictures that are kept as they were sent, those asked for last: one of 500 steps takes 200 ms to make. */
const KEPT_MAX = 8;

/** Definitions as pictures. */
export function addGraphRoutes(app: Api, { sql }: ApiParts): void {
  const kept = new Map<string, string>();
  app.get("/v1/definitions/:definition/revisions/:hash/graph", GET, async (c) => {
    const name = definitionNameOf(c.req.param("definition"));
    const hash = hashOf(c.req.param("hash"), name);
    const { source } = (await readRevision(sql, name, hash)) ?? unknownRevision(name, hash);
    const text = kept.get(hash) ?? textOf(source) ?? unknownRevision(name, hash);
    kept.delete(hash);
    kept.set(hash, text);
    for (const oldest of kept.keys()) if (kept.size > KEPT_MAX) kept.delete(oldest);
    // The same hash is the same picture for as long as the engine draws the same.
    c.header("Cache-Control", "private, max-age=300");
    return c.body(text, 200, { "content-type": "application/json" });
  });
}

/** The picture of a source as it is sent; undefined: it is not sound, which it was when it was recorded. */
function textOf(source: string): string | undefined {
  const { definition } = loadDefinition(source, { catalog: null, checks: false });
  return definition === null ? undefined : JSON.stringify(pictureOf(definition));
}

/** A definition as a picture, laid out. */
export function pictureOf(definition: Definition): InferOutput<typeof Graph> {
  const { width, height, boxes, lines, labels } = layoutOf(outlineOf(definition));
  return {
    width,
    height,
    boxes: boxes.map(({ node: { kind, lines: said, pivot, path = null }, ...box }) => ({
      ...box,
      kind,
      lines: said.map(({ text }) => clipped(text)),
      words: said.map((line) => line.said),
      pivot,
      attempts: path === null || kind === "undo" ? null : attemptsOf(definition, path),
      path,
    })),
    lines: lines.map(({ points, ...line }) => ({
      ...line,
      points: points.map(([x, y]) => [x, y] as [number, number]),
    })),
    labels: labels.map(({ x, y, text, said: words }) => ({ x, y, text, words })),
  };
}

function attemptsOf(definition: Definition, path: string): number | null {
  const step = stepAt(definition, path);
  return step?.kind === "command" && step.retry.attempts !== "forever" ? step.retry.attempts : null;
}

const GET = describe({
  tag: "definitions",
  operationId: "getGraph",
  access: { role: "viewer", over: "definition" },
  summary: "Read a revision as a picture",
  path: ["definition", "hash"],
  answers: { 200: { description: "Boxes, lines and labels with their places", schema: "Graph" } },
  problems: ["saga.unknown-definition", "definition.unknown-revision"],
});
