import fc from "fast-check";
import { DEFINITIONS, type ModelDefinition, pathsOf } from "./definitions.ts";
import { mend, type Plan } from "./plan.ts";
import { GROUPS, type Real } from "./real.ts";

/** What the model knows of a saga. */
export interface ModelSaga {
  readonly id: string;
  readonly sagaId: string;
  readonly definition: ModelDefinition;
  readonly plan: Plan;
  /** What accepted signals said, oldest first. */
  readonly signals: boolean[];
  /** `taken`: it was applied while the saga could still be cancelled. `recorded`: it takes effect if it is in time. */
  cancel?: "recorded" | "taken";
  mended: boolean;
  /** As `cancel`. */
  terminated?: "recorded" | "taken";
  /** Steps whose broken compensation an operator has skipped or resolved: what they did may stand. */
  readonly left: string[];
}

export interface Model {
  readonly sagas: ModelSaga[];
  /** Commands that were run, by name. */
  readonly run: Map<string, number>;
}

export type ModelCommand = fc.AsyncCommand<Model, Real>;
type Run = (model: Model, real: Real) => Promise<void>;

/** One command; its text is what a failure prints. */
function command(text: string, run: Run, check: (model: Model) => boolean = () => true): ModelCommand {
  const [name = text] = text.split(" ");
  return {
    check,
    run: async (model, real) => {
      model.run.set(name, (model.run.get(name) ?? 0) + 1);
      await run(model, real);
    },
    toString: () => text,
  };
}

/** A command about one of the sagas that were started, counted back from the newest. */
function about(
  back: number,
  text: string,
  run: (saga: ModelSaga, real: Real) => Promise<void>,
  of?: string,
): ModelCommand {
  const among = ({ sagas }: Model) => sagas.filter(({ definition }) => of === undefined || definition.name === of);
  return command(
    `${text} ${back}`,
    async (model, real) => {
      const sagas = among(model);
      await run(sagas[sagas.length - 1 - (back % sagas.length)] as ModelSaga, real);
    },
    (model) => among(model).length > 0,
  );
}

const plan = (definition: ModelDefinition): fc.Arbitrary<Plan> => {
  const lines = pathsOf(definition.parts).flatMap(({ path, conducts, undo }) => [
    fc.constantFrom(...conducts).map((conduct) => [path, conduct] as const),
    ...(undo
      ? [fc.constantFrom("flaky" as const, "broken" as const).map((conduct) => [`~${path}`, conduct] as const)]
      : []),
  ]);
  return fc.uniqueArray(fc.oneof(...lines), { maxLength: 3, selector: ([path]) => path }).map(Object.fromEntries);
};

/** A saga to start; `twice`: by two equal calls. */
interface Wish {
  readonly definition: ModelDefinition;
  readonly plan: Plan;
  readonly twice: boolean;
}

const wish: fc.Arbitrary<Wish> = fc
  .constantFrom(...DEFINITIONS)
  .chain((definition) =>
    fc.record({ definition: fc.constant(definition), plan: plan(definition), twice: fc.boolean() }),
  );

/** Some sagas at once. */
const start = fc.array(wish, { minLength: 1, maxLength: 4, size: "max" }).map((wishes) => {
  const words = wishes.map((one) => `${one.definition.name} ${JSON.stringify(one.plan)}${one.twice ? " twice" : ""}`);
  return command(`start ${words.join(", ")}`, async ({ sagas }, real) => {
    sagas.push(...(await Promise.all(wishes.map((one) => begin(one, real)))));
  });
});

async function begin({ definition, plan: chosen, twice }: Wish, real: Real): Promise<ModelSaga> {
  const id = crypto.randomUUID().slice(0, 8);
  const ask = async () => {
    const { status, json } = await real.call(`/v1/sagas/${definition.name}`, definition.input(id, chosen), id);
    if (status !== 201 && status !== 200) throw new Error(`a start answered ${status}: ${JSON.stringify(json)}`);
    return String(json["sagaId"]);
  };
  const [sagaId = "", other = sagaId] = await Promise.all(twice ? [ask(), ask()] : [ask()]);
  if (other !== sagaId) throw new Error(`two equal starts began ${sagaId} and ${other}`);
  return { id, sagaId, definition, plan: chosen, signals: [], mended: false, left: [] };
}

const signal = fc.tuple(fc.nat(3), fc.boolean(), fc.boolean()).map(([back, ok, twice]) =>
  about(
    back,
    `signal ${ok}${twice ? " twice" : ""}`,
    async (saga, real) => {
      const key = crypto.randomUUID();
      const say = () => real.call(`/v1/sagas/${saga.sagaId}/signals/decided`, { ok }, key);
      const { status, json } = await say();
      if (status === 202) saga.signals.push(ok);
      else if (status !== 409) throw new Error(`a signal answered ${status}: ${JSON.stringify(json)}`);
      const other = twice && status === 202 ? (await say()).json["messageId"] : json["messageId"];
      if (other !== json["messageId"]) throw new Error("the same signal again was another message");
    },
    "review",
  ),
);

const cancel = fc.nat(5).map((back) =>
  about(back, "cancel", async (saga, real) => {
    const { status, json } = await real.call(`/v1/sagas/${saga.sagaId}/cancel`, { reason: "model" });
    if (status === 202) saga.cancel = json["applied"] === true ? "taken" : (saga.cancel ?? "recorded");
    else if (status !== 409) throw new Error(`a cancel answered ${status}: ${JSON.stringify(json)}`);
  }),
);

const repair = fc.nat(5).map((back) =>
  about(back, "mend", async (saga, real) => {
    mend(saga.id);
    saga.mended = true;
    const { status, json } = await real.call(`/v1/sagas/${saga.sagaId}/retry`, { reason: "mended" });
    if (status !== 202 && status !== 409) throw new Error(`a retry answered ${status}: ${JSON.stringify(json)}`);
  }),
);

const terminate = fc.nat(5).map((back) =>
  about(back, "terminate", async (saga, real) => {
    const { status, json } = await real.call(`/v1/sagas/${saga.sagaId}/terminate`, { reason: "model" });
    if (status === 202) saga.terminated = json["applied"] === true ? "taken" : (saga.terminated ?? "recorded");
    else if (status !== 409) throw new Error(`a terminate answered ${status}: ${JSON.stringify(json)}`);
  }),
);

/** Of the compensations that are parked, in a saga or in its child, every one; later steps rely on the others. */
const leave = fc.tuple(fc.nat(5), fc.constantFrom("skip", "resolve")).map(([back, verb]) =>
  about(back, verb, async (saga, real) => {
    const rows = await real.lab.sql<{ id: string; path: string }[]>`
      select s.id, t.path from timeline.saga s join timeline.saga_step t on t.saga_id = s.id and t.status = 'parked'
      where (s.id = ${saga.sagaId} or s.parent_id = ${saga.sagaId})
        -- It goes backward: what is parked there on its way forward is not what this is about.
        and (s.state ? 'failure' or s.state ? 'reversal')
    `;
    for (const { id, path } of rows.filter((row) => saga.plan[`~${row.path}`] === "broken")) {
      // Before the answer: it may take effect although nobody hears of it.
      saga.left.push(path);
      const { status, json } = await real.call(`/v1/sagas/${id}/${verb}`, { step: path, reason: "model" });
      if (status !== 202 && status !== 409) throw new Error(`a ${verb} answered ${status}: ${JSON.stringify(json)}`);
    }
  }),
);

const group = fc.constantFrom(...GROUPS);
const pause = group.map((name) =>
  command(`pause ${name}`, async (_model, real) => {
    await accepted(real, `/v1/consumer-groups/${name}/pause`, { reason: "model" });
  }),
);
const resume = group.map((name) =>
  command(`resume ${name}`, async (_model, real) => {
    await accepted(real, `/v1/consumer-groups/${name}/resume`, { reason: "model" });
  }),
);

/** To a place between the beginning (0) and the end (7) of one of the group's topics. */
const rewind = fc.tuple(group, fc.nat(7), fc.nat(7)).map(([name, which, eighths]) =>
  command(`rewind ${name} ${which} ${eighths}`, async (_model, real) => {
    const rows = await real.lab.sql<{ topic: string; end: number }[]>`
      select topic, max("offset")::integer + 1 as end from timeline.event_consumption
      where consumer_group = ${name} and "offset" is not null group by topic order by topic
    `;
    const row = rows[which % Math.max(1, rows.length)];
    if (row === undefined) return;
    const offset = Math.floor((row.end * eighths) / 8);
    const to = { topic: row.topic, partition: 0, offset, reason: "model" };
    const { status, json } = await real.call(`/v1/consumer-groups/${name}/rewind`, to);
    // It may be paused, or held up by a message, before what others behind it have consumed.
    if (status >= 300 && json["code"] !== "group.rewind-forward")
      throw new Error(`a rewind answered ${status}: ${JSON.stringify(json)}`);
  }),
);

/** Sends a message of the newest sagas once more. */
const redrive = fc.nat(200).map((back) =>
  command(`redrive ${back}`, async (_model, real) => {
    const rows = await real.lab.sql<{ message_id: string }[]>`
      select message_id from timeline.event_request order by message_id desc limit 1 offset ${back}
    `;
    for (const { message_id: id } of rows) await accepted(real, `/v1/messages/${id}/redrive`, { reason: "model" });
  }),
);

const restart = fc.constant(
  command("restart", async (_model, real) => {
    await real.lab.stop();
    await real.lab.start();
  }),
);

/** Ends every fourth connection of the engine, whatever it does at that moment. */
const kill = fc.nat(3).map((rest) =>
  command(`kill ${rest}`, async (_model, { lab }) => {
    await lab.sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'ekiden%' and pid % 4 = ${rest}
    `;
  }),
);

const rest = fc.nat(20).map((times) => command(`rest ${times * 10}`, () => Bun.sleep(times * 10)));

/** Runs of up to 60 commands; starts, and time for them, are most of it. */
export function runs(replayPath: string | undefined): fc.Arbitrary<Iterable<ModelCommand>> {
  const calls = [signal, cancel, repair, leave, leave, terminate, pause, resume, resume, redrive];
  const commands: fc.Arbitrary<ModelCommand>[] = [
    start,
    start,
    start,
    rest,
    rest,
    ...calls,
    rewind,
    rewind,
    kill,
    restart,
  ];
  const replay = replayPath === undefined ? {} : { replayPath };
  return fc.commands<Model, Real, false>(commands, { maxCommands: 60, size: "max", ...replay });
}

async function accepted(real: Real, path: string, body: object): Promise<void> {
  const { status, json } = await real.call(path, body);
  if (status >= 300) throw new Error(`POST ${path} answered ${status}: ${JSON.stringify(json)}`);
}
