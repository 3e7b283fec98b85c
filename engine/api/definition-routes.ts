import type { InferOutput } from "valibot";
import * as v from "valibot";

import {
  type DefinitionRow,
  listDefinitions,
  listRevisions,
  readDefinition,
  readRevision,
} from "../timeline/read-definitions.ts";
import { countOpen, type OpenRow } from "../timeline/read-overview.ts";
import { isFor } from "../core/grant.ts";
import { loadDefinition } from "../definition/load.ts";
import type { Api, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import type { DefinitionSummary } from "./definition-schema.ts";
import { describe } from "./describe.ts";
import { principalOf } from "./principal.ts";
import { QueryText, queryFlag } from "./query-schema.ts";
import { readQuery } from "./read-query.ts";
import { viewSchedule } from "./schedule-view.ts";
import { checkMedia, readBody, readText } from "./json-body.ts";
import { waitsOf } from "./revision-waits.ts";
import type { ProblemCode } from "./translate-code.ts";
import { Reasoned } from "./verb-schema.ts";
import { whyAbsent } from "../definition/folder.ts";
import { definitionNameOf, hashOf, unknownDefinition, unknownRevision } from "./unknown.ts";

const YAML_MEDIA = /^(?:text|application)\/(?:x-)?yaml$/;

/** A file that is longer was never meant: it is not handed over. */
const SOURCE_MAX = 256 * 1024;

const DefinitionListQuery = v.strictObject({
  file: v.optional(
    v.pipe(QueryText, v.description("Of the broken files this one alone"), v.examples(["domains/refund.saga.yaml"])),
  ),
  sources: v.optional(queryFlag("false: without the sources of broken files; with `file` there is one"), "true"),
  open: v.optional(queryFlag("true: with the number of sagas that are not final"), "false"),
});

/** Definitions and their revisions. */
export function addDefinitionRoutes(app: Api, { engine, sql }: ApiParts): void {
  app.get("/v1/definitions", LIST, async (c) => {
    const { file: only, sources, open: counting } = readQuery(c, DefinitionListQuery);
    const principal = principalOf(c);
    const [all, open] = await Promise.all([listDefinitions(sql), counting ? countOpen(sql) : undefined]);
    const items = all
      .filter(({ name }) => isFor(principal, name))
      .map((row) => ({
        ...viewDefinition(row, engine.files()),
        ...(open === undefined ? {} : { open: openOf(open, row.name) }),
      }));
    // A file that cannot be read says not whose it is.
    const files = isFor(principal, null) ? [...engine.broken()] : [];
    const broken = files
      .filter(([file]) => only === undefined || file === only)
      .map(([file, { diagnostics, source }]) => ({
        file,
        diagnostics: [...diagnostics],
        ...(Buffer.byteLength(source) > SOURCE_MAX ? { source: null } : sources ? { source } : {}),
      }));
    return c.json({ items, nextCursor: null, broken });
  });

  app.post("/v1/definitions/validate", VALIDATE, async (c) => {
    const source = await readText(c.req.raw);
    if (source !== undefined) checkMedia(c.req.raw, YAML_MEDIA, "text/yaml");
    return c.json([...engine.load(source ?? "").diagnostics]);
  });

  app.get("/v1/definitions/:definition", GET, async (c) => {
    const name = definitionNameOf(c.req.param("definition"));
    const [row, revisions] = await Promise.all([readDefinition(sql, name), listRevisions(sql, name)]);
    if (row === undefined) return unknownDefinition(name, whyAbsent(engine.broken(), name));
    const { revision, source } = row;
    const { definition } = loadDefinition(source, { catalog: null, checks: false });
    return c.json({
      ...viewDefinition(row, engine.files()),
      source,
      schedule: definition?.schedule === undefined ? null : await viewSchedule(sql, row, definition.schedule),
      startTopic: definition?.start?.topic ?? null,
      revisions: revisions.map((each) => ({
        revision: each.revision,
        version: each.version,
        createdAt: each.created_at.toISOString(),
        current: each.revision === revision,
        open: each.open,
        parked: each.parked,
      })),
    });
  });

  app.get("/v1/definitions/:definition/revisions/:hash", REVISION, async (c) => {
    const name = definitionNameOf(c.req.param("definition"));
    const hash = hashOf(c.req.param("hash"), name);
    const row = (await readRevision(sql, name, hash)) ?? unknownRevision(name, hash);
    c.header("Vary", "Accept");
    if (prefersYaml(c.req.header("accept")))
      return c.body(row.source, 200, { "content-type": "text/yaml; charset=utf-8" });
    const { revision, version, source } = row;
    return c.json({ name, revision, version, createdAt: row.created_at.toISOString(), source, waits: waitsOf(source) });
  });
}

/** What a person says of a definition: that it starts no further sagas, or that it starts them again. */
export function addRetirementRoutes(app: Api, { engine }: ApiParts): void {
  const view = (row: DefinitionRow) => viewDefinition(row, engine.files());

  app.post("/v1/definitions/:definition/retire", RETIRE, async (c) => {
    const name = definitionNameOf(c.req.param("definition"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return c.json(await engine.retireDefinition(name, reason, caller, view));
  });

  app.post("/v1/definitions/:definition/restore", RESTORE, async (c) => {
    const name = definitionNameOf(c.req.param("definition"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return c.json(await engine.restoreDefinition(name, reason, caller, view));
  });
}

function viewDefinition(row: DefinitionRow, files: ReadonlyMap<string, string>): InferOutput<typeof DefinitionSummary> {
  const { name, version, revision, retired_at: since, retired_by: by, retired_reason: reason } = row;
  return {
    name,
    version,
    revision,
    updatedAt: row.updated_at.toISOString(),
    file: files.get(name) ?? null,
    retired: since === null ? null : { since: since.toISOString(), by: by ?? "", reason: reason ?? "" },
  };
}

function openOf(rows: readonly OpenRow[], name: string): number {
  return rows.reduce((all, { definition, sagas }) => all + (definition === name ? sagas : 0), 0);
}

/** YAML goes only to those who name it; `*` gets JSON. */
function prefersYaml(accept = ""): boolean {
  return accept.split(",").some((media) => YAML_MEDIA.test((media.split(";")[0] ?? "").trim().toLowerCase()));
}

const LIST = describe({
  tag: "definitions",
  operationId: "listDefinitions",
  access: { role: "viewer", over: "listed" },
  summary: "List definitions",
  description: "`broken` names files that are not in use because they have errors.",
  query: DefinitionListQuery,
  answers: { 200: { description: "Definitions by name", schema: "DefinitionList" } },
});

const ONE = { 200: { description: "The definition", schema: "DefinitionSummary" } } as const;
const VERB: readonly ProblemCode[] = ["saga.unknown-definition", "saga.idempotency-mismatch", "request.header-invalid"];

const RETIRE = describe({
  tag: "definitions",
  operationId: "retireDefinition",
  access: { role: "operator", over: "definition" },
  summary: "Retire a definition",
  description:
    "From the answer on it starts no saga: calls are refused, its start topic's messages are kept as failed, planned times are skipped. Sagas that run go on, with the children that they and others ask for, also of this definition. It stays retired, whatever becomes of its file, until it is restored.",
  path: ["definition"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: ONE,
  problems: VERB,
});

const RESTORE = describe({
  tag: "definitions",
  operationId: "restoreDefinition",
  access: { role: "operator", over: "definition" },
  summary: "Restore a retired definition",
  description:
    "It starts sagas again. Messages that were refused meanwhile start theirs when the group `start.<definition>` is rewound to them; planned times that were skipped stay so.",
  path: ["definition"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: ONE,
  problems: VERB,
});

const VALIDATE = describe({
  tag: "definitions",
  operationId: "validateDefinition",
  access: { role: "viewer", over: "anything" },
  summary: "Check a definition",
  description: "Says what `ekiden check` says of a file. Nothing is stored.",
  body: { media: "text/yaml", description: "The YAML", required: true, example: "saga: onboarding\nversion: 1\n" },
  answers: { 200: { description: "Findings; no `error` among them: it can be used", schema: "Diagnostics" } },
});

const GET = describe({
  tag: "definitions",
  operationId: "getDefinition",
  access: { role: "viewer", over: "definition" },
  summary: "Read a definition",
  path: ["definition"],
  answers: { 200: { description: "The definition and its revisions", schema: "DefinitionDetail" } },
  problems: ["saga.unknown-definition"],
});

const REVISION = describe({
  tag: "definitions",
  operationId: "getRevision",
  access: { role: "viewer", over: "definition" },
  summary: "Read a revision",
  path: ["definition", "hash"],
  answers: {
    200: {
      description: "The revision; with `Accept: text/yaml` its source alone",
      schema: "Revision",
      text: "text/yaml",
    },
  },
  problems: ["saga.unknown-definition", "definition.unknown-revision"],
});
