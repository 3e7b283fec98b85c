import { listSagas, listSteps, readSaga } from "../timeline/read-sagas.ts";
import { readRevisionsOf } from "../timeline/read-sensitive.ts";
import type { Api, ApiContext, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { readCursor, writeCursor } from "./cursor.ts";
import { describe } from "./describe.ts";
import { readJson } from "./json-body.ts";
import { definitionsFor, principalOf } from "./principal.ts";
import { parseQuery, queryTexts, readQuery } from "./read-query.ts";
import { SagaReader } from "./saga-reader.ts";
import { SagaListQuery, SagaQuery, StartQuery, StepListQuery, sagaFilter, splitLabels } from "./saga-query.ts";
import { STEPS_READ, viewSagas, viewStep } from "./saga-view.ts";
import { maskingOfSagas } from "./sensitive.ts";
import { definitionNameOf, sagaIdOf, unknownSaga } from "./unknown.ts";
import { waitUntilSettled } from "./wait-until-settled.ts";

/** Starting, listing and reading sagas. Returns what reads them, for its bounds. */
export function addSagaRoutes(app: Api, parts: ApiParts): SagaReader {
  const { engine, sql } = parts;
  const reader = new SagaReader(engine, sql);
  const oneSaga = async (c: ApiContext, sagaId: string, bodies = true) =>
    (await reader.read(sagaId, principalOf(c), bodies)) ?? unknownSaga(sagaId);

  app.post("/v1/sagas/:id", START, async (c) => {
    const { wait, duplicate } = readQuery(c, StartQuery);
    const definition = definitionNameOf(c.req.param("id"));
    const caller = callerOf(c);
    const input = (await readJson(c.req.raw)) ?? {};
    const { sagaId, created } = await engine.start(definition, input, { duplicate }, caller);
    await waitUntilSettled(c, engine, sagaId, wait, created);
    c.header("Location", `/v1/sagas/${sagaId}`);
    return c.json(await oneSaga(c, sagaId), created ? 201 : 200);
  });

  app.get("/v1/sagas", LIST, async (c) => {
    const { labels, rest } = splitLabels(queryTexts(c));
    const query = parseQuery(rest, SagaListQuery);
    const filter = sagaFilter(query, labels, definitionsFor(principalOf(c), query.definition));
    const rows = await listSagas(sql, filter, STEPS_READ);
    const page = rows.slice(0, query.limit);
    const last = rows.length > page.length ? page.at(-1) : undefined;
    const nextCursor = last === undefined ? null : writeCursor({ list: "sagas", id: last.id });
    return c.json({ items: await viewSagas(engine, sql, page, principalOf(c), query.bodies), nextCursor });
  });

  app.get("/v1/sagas/:id", GET, async (c) => {
    const { wait, bodies } = readQuery(c, SagaQuery);
    const sagaId = sagaIdOf(c.req.param("id"));
    if (wait > 0 && (await readSaga(sql, sagaId)) !== undefined) await waitUntilSettled(c, engine, sagaId, wait);
    return c.json(await oneSaga(c, sagaId, bodies));
  });

  app.get("/v1/sagas/:id/steps", STEPS, async (c) => {
    const { limit, cursor } = readQuery(c, StepListQuery);
    const sagaId = sagaIdOf(c.req.param("id"));
    const [saga = unknownSaga(sagaId)] = await readRevisionsOf(sql, [sagaId]);
    const after = cursor === undefined ? undefined : readCursor(cursor, ["steps"]).id;
    const rows = await listSteps(sql, sagaId, after, limit + 1);
    const page = rows.slice(0, limit);
    const last = rows.length > page.length ? page.at(-1) : undefined;
    const nextCursor = last === undefined ? null : writeCursor({ list: "steps", id: last.path });
    const masking = (await maskingOfSagas(engine, sql, [saga], principalOf(c))).of(sagaId);
    return c.json({ items: page.map((step) => viewStep(step, masking)), nextCursor });
  });
  return reader;
}

const START = describe({
  tag: "sagas",
  operationId: "startSaga",
  access: { role: "starter", over: "definition" },
  summary: "Start a saga",
  description:
    "The same Idempotency-Key answers with the same saga. A business key that an open saga has answers with that saga if the input is the same, else 409.",
  path: ["startedDefinition"],
  query: StartQuery,
  body: {
    description: "Input of the saga, as its definition declares it",
    required: true,
    example: { applicationNo: "A-1001" },
  },
  answers: {
    201: { description: "Started; `Location` names the saga", schema: "Saga" },
    200: { description: "It had been started before", schema: "Saga" },
  },
  problems: [
    "saga.unknown-definition",
    "definition.retired",
    "saga.input-invalid",
    "saga.key-open",
    "saga.idempotency-mismatch",
    "message.too-large",
    "saga.busy",
    "engine.busy",
    "request.header-invalid",
  ],
});

const LIST = describe({
  tag: "sagas",
  operationId: "listSagas",
  access: { role: "viewer", over: "listed" },
  summary: "List sagas, newest first",
  query: SagaListQuery,
  parameters: [
    {
      in: "query",
      name: "label",
      required: false,
      description: "Labels, each as `label.<name>=<value>`",
      schema: { type: "object", additionalProperties: { type: "string" } },
      example: { "label.purpose": "car" },
      style: "form",
      explode: true,
    },
  ],
  answers: { 200: { description: "A page of sagas", schema: "SagaList" } },
  problems: ["request.cursor-invalid"],
});

const GET = describe({
  tag: "sagas",
  operationId: "getSaga",
  access: { role: "viewer", over: "saga" },
  summary: "Read a saga",
  description:
    "With `wait` it answers when the saga is final or parked; when the time runs out, with the present state.",
  path: ["sagaId"],
  query: SagaQuery,
  answers: { 200: { description: "The saga", schema: "Saga" } },
  problems: ["saga.unknown", "engine.busy"],
});

const STEPS = describe({
  tag: "sagas",
  operationId: "listSteps",
  access: { role: "viewer", over: "saga" },
  summary: "List a saga's steps by path",
  path: ["sagaId"],
  query: StepListQuery,
  answers: { 200: { description: "A page of steps", schema: "StepList" } },
  problems: ["saga.unknown", "request.cursor-invalid"],
});
