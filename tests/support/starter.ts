import { join } from "node:path";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { Recorder } from "../../engine/dispatcher/recorder.ts";
import { Revisions } from "../../engine/dispatcher/revisions.ts";
import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";
import { type Started, Starter } from "../../engine/dispatcher/start.ts";
import { Transitions } from "../../engine/dispatcher/transitions.ts";
import type { Sql } from "../../engine/timeline/database.ts";
import type { Store } from "../../engine/timeline/store.ts";

/** Starts and calls of an engine process, without the rest of it: saga `three` of the lab, on a migrated database. */
export interface Calls {
  readonly recorder: Recorder;
  readonly changes: SagaChanges;
  /** Of `three`, or of another definition that takes a note. */
  start(note: string, idempotencyKey?: string, definition?: string): Promise<Started>;
}

/** Enters the definition and its topics, once a database. */
export async function enterThree(sql: Sql): Promise<void> {
  const source = await Bun.file(join(import.meta.dir, "lab/three.saga.yaml")).text();
  await enterDefinition(sql, "three", source);
  await sql`
    insert into timeline.topic (name) values ('timeline'), ('lab.one'), ('lab.two'), ('lab.three'), ('lab.undo')
    on conflict do nothing
  `;
  await sql`insert into timeline.consumer_group (consumer_group) values ('dispatcher') on conflict do nothing`;
}

/** Enters version 1 of a definition. */
export async function enterDefinition(sql: Sql, name: string, source: string): Promise<void> {
  const revision = new Bun.CryptoHasher("sha256").update(source).digest("hex");
  await sql`insert into timeline.definition_revision (name, revision, version, source) values (${name}, ${revision}, 1, ${source})`;
  await sql`insert into timeline.definition (name, revision, version) values (${name}, ${revision}, 1)`;
}

/** What one process calls with. */
export function callsOf(store: Store): Calls {
  const revisions = new Revisions();
  const evaluator = createEvaluator();
  const changes = new SagaChanges();
  const recorder = new Recorder(store, new Transitions(revisions, evaluator, "test"), changes);
  const starter = new Starter(recorder, revisions, evaluator, () => ({ actions: new Map() }));
  return {
    recorder,
    changes,
    start: (note, idempotencyKey, definition = "three") =>
      starter.start({
        definition,
        input: { note },
        duplicate: "return",
        traceparent: null,
        ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
      }),
  };
}
