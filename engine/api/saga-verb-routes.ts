import type { Json } from "../core/json.ts";
import type { Api, ApiContext, ApiParts } from "./api-env.ts";
import { callerOf } from "./caller.ts";
import { describe } from "./describe.ts";
import { readBody, readJson } from "./json-body.ts";
import type { Accepted, Engine } from "./port.ts";
import type { ProblemCode } from "./translate-code.ts";
import { sagaIdOf, signalOf } from "./unknown.ts";
import { Reasoned, ResolveRequest, RetryRequest, SkipRequest } from "./verb-schema.ts";

/** What people and programs ask of a running saga. */
export function addSagaVerbRoutes(app: Api, { engine }: ApiParts): void {
  app.post("/v1/sagas/:id/signals/:signal", SIGNAL, async (c) => {
    const sagaId = sagaIdOf(c.req.param("id"));
    const signal = signalOf(c.req.param("signal"));
    const caller = callerOf(c);
    const payload = (await readJson(c.req.raw)) ?? null;
    return accepted(c, await engine.signal(sagaId, signal, payload, caller));
  });

  app.post("/v1/sagas/:id/cancel", CANCEL, async (c) => {
    const sagaId = sagaIdOf(c.req.param("id"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return accepted(c, await engine.cancel(sagaId, reason, caller));
  });

  app.post("/v1/sagas/:id/retry", RETRY, async (c) => {
    const sagaId = sagaIdOf(c.req.param("id"));
    const caller = callerOf(c);
    const { step, reason } = await readBody(c.req.raw, RetryRequest);
    return accepted(c, await engine.retry(sagaId, step === undefined ? { reason } : { step, reason }, caller));
  });

  addEndingRoutes(app, engine);
}

/** How a person ends what is parked, or the saga itself. */
function addEndingRoutes(app: Api, engine: Engine): void {
  app.post("/v1/sagas/:id/skip", SKIP, async (c) => {
    const sagaId = sagaIdOf(c.req.param("id"));
    const caller = callerOf(c);
    return accepted(c, await engine.skip(sagaId, await readBody(c.req.raw, SkipRequest), caller));
  });

  app.post("/v1/sagas/:id/resolve", RESOLVE, async (c) => {
    const sagaId = sagaIdOf(c.req.param("id"));
    const caller = callerOf(c);
    const { step, result = null, reason } = await readBody(c.req.raw, ResolveRequest);
    return accepted(c, await engine.resolve(sagaId, { step, result: result as Json, reason }, caller));
  });

  app.post("/v1/sagas/:id/terminate", TERMINATE, async (c) => {
    const sagaId = sagaIdOf(c.req.param("id"));
    const caller = callerOf(c);
    const { reason } = await readBody(c.req.raw, Reasoned);
    return accepted(c, await engine.terminate(sagaId, reason, caller));
  });
}

/** The same answer as before for the same Idempotency-Key; only a header tells the two apart. */
function accepted(c: ApiContext, { replayed = false, ...answer }: Accepted): Response {
  if (replayed) c.header("Idempotent-Replayed", "true");
  return c.json(answer, 202);
}

const COMMON: readonly ProblemCode[] = [
  "saga.unknown",
  "saga.final",
  "saga.idempotency-mismatch",
  "message.too-large",
  "saga.busy",
  "request.header-invalid",
];
const RECORDED = {
  202: {
    description: "Recorded. `Idempotent-Replayed: true`: by an earlier call with the same Idempotency-Key",
    schema: "Accepted",
  },
} as const;

const SIGNAL = describe({
  tag: "sagas",
  operationId: "signalSaga",
  access: { role: "starter", over: "saga" },
  summary: "Send a signal to a saga",
  description: "Kept in the saga's mailbox until a step takes it, also when none waits for it yet.",
  path: ["sagaId", "signal"],
  body: {
    description: "Payload, as the waiting step declares it",
    required: false,
    example: { decision: "approve", reviewer: "R. Sato" },
  },
  answers: RECORDED,
  problems: [...COMMON, "signal.invalid"],
});

const CANCEL = describe({
  tag: "sagas",
  operationId: "cancelSaga",
  access: { role: "operator", over: "saga" },
  summary: "Cancel a saga",
  description: "What it has done is undone; past the pivot it is refused.",
  path: ["sagaId"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: RECORDED,
  problems: [...COMMON, "saga.past-pivot"],
});

const RETRY = describe({
  tag: "sagas",
  operationId: "retrySaga",
  access: { role: "operator", over: "saga" },
  summary: "Retry a parked saga",
  path: ["sagaId"],
  body: { schema: "RetryRequest", description: "Which step, and why", required: true },
  answers: RECORDED,
  problems: [...COMMON, "saga.not-parked", "saga.unknown-step"],
});

const SKIP = describe({
  tag: "sagas",
  operationId: "skipStep",
  access: { role: "operator", over: "saga" },
  summary: "Skip a parked step or compensation",
  description:
    "The saga goes on behind it. What may have taken effect all the same is listed in `uncompensated`; a pivot is refused.",
  path: ["sagaId"],
  body: { schema: "SkipRequest", description: "Which step, and why", required: true },
  answers: RECORDED,
  problems: [...COMMON, "saga.not-parked", "saga.unknown-step", "saga.step-running", "saga.pivot-skipped"],
});

const RESOLVE = describe({
  tag: "sagas",
  operationId: "resolveStep",
  access: { role: "operator", over: "saga" },
  summary: "Resolve a parked step or compensation with a result",
  description:
    "The step counts as done with this result, and the saga goes on; a compensation counts as carried out. What the participant has done meanwhile counts more.",
  path: ["sagaId"],
  body: { schema: "ResolveRequest", description: "Which step, how it ended, and why", required: true },
  answers: RECORDED,
  problems: [
    ...COMMON,
    "saga.not-parked",
    "saga.unknown-step",
    "saga.step-running",
    "saga.step-without-result",
    "saga.result-invalid",
  ],
});

const TERMINATE = describe({
  tag: "sagas",
  operationId: "terminateSaga",
  access: { role: "operator", over: "saga" },
  summary: "Terminate a saga",
  description:
    "It stops where it stands: nothing more is sent, and nothing is undone. Its child sagas are terminated with it.",
  path: ["sagaId"],
  body: { schema: "Reasoned", description: "Why", required: true },
  answers: RECORDED,
  problems: COMMON,
});
