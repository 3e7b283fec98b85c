import { eventually } from "../support/engine.ts";
import type { Model, ModelSaga } from "./commands.ts";
import { restOf, standingOf } from "./definitions.ts";
import { mend } from "./plan.ts";
import { GROUPS, type Real } from "./real.ts";

/** How a saga stands, in the model's words. */
interface Seen {
  readonly id: string;
  readonly status: string;
  readonly error: string | null;
  readonly output: { readonly note?: string } | null;
}

/** Faults have ended: every saga comes to rest where the model says, and, once all is mended, to its end. */
export async function heal(model: Model, real: Real, withinMs: number): Promise<void> {
  for (const group of GROUPS) await real.call(`/v1/consumer-groups/${group}/resume`, { reason: "healing" });
  await eventually("every saga rests where the model says", () => allStand(model, real, restsOf), withinMs);
  for (const saga of model.sagas) mend(saga.id);
  const helped = async () => {
    await helpOn(model, real);
    return allStand(model, real, endsOf);
  };
  await eventually("every saga ends as the model says", helped, withinMs);
  await eventually("nothing lags", () => nothingLags(real), withinMs);
}

async function allStand(model: Model, real: Real, allowed: (saga: ModelSaga) => readonly string[]): Promise<true> {
  const seen = await look(model, real);
  for (const saga of model.sagas) {
    const { status, error } = seen.get(saga.sagaId) ?? { status: "unknown", error: "" };
    if (allowed(saga).includes(status)) continue;
    const known = `${saga.definition.name} ${JSON.stringify(saga.plan)} signals ${saga.signals} cancel ${saga.cancel}`;
    throw new Error(`${saga.sagaId} (${known}) is ${status} (${error}), not ${allowed(saga).join(" or ")}`);
  }
  return true;
}

async function look({ sagas }: Model, { lab }: Real): Promise<ReadonlyMap<string, Seen>> {
  const rows = await lab.sql<Seen[]>`
    select s.id, s.error::text as error, s.output, case
      when s.status = 'running' and exists (select from timeline.saga c where c.parent_id = s.id and c.status = 'parked')
        then 'parked in its child'
      when s.status = 'running' and s.state->'waitingFor' <> '[]'::jsonb then 'waits'
      else s.status end as status
    from timeline.saga s where s.id = any (${lab.sql.array(sagas.map(({ sagaId }) => sagaId))}::text[])
  `;
  return new Map(rows.map((row) => [row.id, row]));
}

/** Where a saga may rest before anybody helps it on. */
function restsOf(saga: ModelSaga): readonly string[] {
  return orTerminated(saga, restsUnaided(saga));
}

function orTerminated({ terminated }: ModelSaga, others: readonly string[]): readonly string[] {
  if (terminated === "taken") return ["terminated"];
  return terminated === "recorded" ? [...others, "terminated"] : others;
}

function restsUnaided(saga: ModelSaga): readonly string[] {
  const { plan, definition, signals, cancel } = saga;
  const signal = signals[0];
  const rests = (saga.mended ? [true, false] : [false]).map((mended) =>
    restOf(definition.parts, { plan, mended, signal }),
  );
  const names = rests.map((rest) => (rest === "done" ? "completed" : rest === "rejected" ? "failed" : rest) as string);
  if (definition.contested) names.push("failed");
  // A compensation that is broken stops whatever goes backward: the saga, its child, or the loser of a race.
  const stopped = Object.entries(plan).some(([path, conduct]) => path.startsWith("~") && conduct === "broken");
  const stops = stopped ? ["parked", "parked in its child", "compensating"] : [];
  if (cancel === "taken") return ["cancelled", ...(names.includes("failed") ? ["failed"] : []), ...stops];
  return [...names, ...stops, ...(cancel === "recorded" ? ["cancelled"] : [])];
}

function endsOf(saga: ModelSaga): readonly string[] {
  return orTerminated(saga, endsUnaided(saga));
}

function endsUnaided({ plan, definition, signals, cancel }: ModelSaga): readonly string[] {
  const rest = restOf(definition.parts, { plan, mended: true, signal: signals[0] ?? true });
  const ends = [rest === "done" ? "completed" : "failed", ...(definition.contested ? ["failed"] : [])];
  if (cancel === "taken") return ["cancelled", ...ends.filter((end) => end === "failed")];
  return cancel === "recorded" ? [...ends, "cancelled"] : ends;
}

/** An operator tries again what is parked, and somebody says what is waited for. */
async function helpOn(model: Model, real: Real): Promise<void> {
  const parked = await real.lab.sql<
    { id: string }[]
  >`select saga_id as id from timeline.saga_open where status = 'parked'`;
  for (const { id } of parked) await real.call(`/v1/sagas/${id}/retry`, { reason: "healing" });
  const seen = await look(model, real);
  for (const saga of model.sagas) {
    if (seen.get(saga.sagaId)?.status !== "waits" || saga.signals.length > 0) continue;
    const { status } = await real.call(`/v1/sagas/${saga.sagaId}/signals/decided`, { ok: true });
    if (status === 202) saga.signals.push(true);
  }
}

async function nothingLags({ client }: Real): Promise<true> {
  const { items } = (await client.ok("GET", "/v1/consumer-groups")) as {
    items: { group: string; partitions: { topic: string; lag: number }[] }[];
  };
  for (const { group, partitions } of items) {
    for (const { topic, lag } of partitions) {
      // Nobody here handles lab.elsewhere.
      if (lag > 0 && topic !== "lab.elsewhere") throw new Error(`${group} lags ${lag} behind on ${topic}`);
    }
  }
  return true;
}

/** What took effect and what was undone is what each saga's end says. @throws with the first saga that it is not true of */
export async function checkEffects(model: Model, real: Real): Promise<{ completed: number; undone: number }> {
  let completed = 0;
  let undone = 0;
  const seen = await look(model, real);
  for (const saga of model.sagas) {
    const left = await effectsOf(real, saga);
    const { status, output } = seen.get(saga.sagaId) as Seen;
    const said = `${saga.definition.last} of ${saga.definition.input(saga.id, saga.plan).note}`;
    if (status === "completed" && output?.note !== said)
      throw new Error(`${saga.sagaId} (${saga.definition.name}) has the output ${JSON.stringify(output)}, not ${said}`);
    const allowed = status === "completed" ? standingOf(saga.definition.parts, saga.plan) : [[]];
    const stands = left.stands.toSorted().join(", ");
    // Of a terminated saga anything may stand.
    if (status !== "terminated" && !allowed.some((set) => isAllowed(set, left.stands, saga.left)))
      throw new Error(
        `${saga.sagaId} (${saga.definition.name} ${JSON.stringify(saga.plan)}) is ${status}; in effect: ${stands}`,
      );
    if (status === "completed") completed += 1;
    undone += left.undone;
  }
  return { completed, undone };
}

/** What the set says stands, and besides it nothing but what an operator has left. */
function isAllowed(set: readonly string[], stands: readonly string[], left: readonly string[]): boolean {
  return (
    set.every((path) => stands.includes(path)) && stands.every((path) => set.includes(path) || left.includes(path))
  );
}

async function effectsOf({ lab }: Real, { sagaId }: ModelSaga): Promise<{ stands: readonly string[]; undone: number }> {
  const rows = await lab.sql<{ path: string; undone: boolean; effect: boolean }[]>`
    select substr(coalesce(e.step_key, u.step_key), 28) as path, u.step_key is not null as undone,
      e.step_key is not null as effect
    from timeline.saga s
    join (lab.effect e full join lab.undone u using (step_key, saga_id)) on saga_id = s.id
    where s.id = ${sagaId} or s.parent_id = ${sagaId}
  `;
  const ghost = rows.find(({ effect }) => !effect);
  if (ghost !== undefined) throw new Error(`${sagaId}: ${ghost.path} was undone and never took effect`);
  return {
    stands: rows.filter((row) => !row.undone).map(({ path }) => path),
    undone: rows.filter((row) => row.undone).length,
  };
}
