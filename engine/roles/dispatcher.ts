import { ChildBirths } from "../dispatcher/births.ts";
import { Dispatcher } from "../dispatcher/dispatcher.ts";
import { Heartbeat } from "../dispatcher/heartbeat.ts";
import { Recorder } from "../dispatcher/recorder.ts";
import { Schedules } from "../dispatcher/schedules.ts";
import { Starter } from "../dispatcher/start.ts";
import { StartGroups } from "../dispatcher/start-groups.ts";
import { Timers } from "../dispatcher/timers.ts";
import { startRecovering } from "./recovering.ts";
import { Duty } from "../recovery/duty.ts";
import { RedriveRunner } from "../recovery/redrive-runner.ts";
import { Traces } from "../telemetry/traces.ts";
import type { Deciding } from "./deciding.ts";
import type { Parts } from "./parts.ts";
import type { Consumer } from "../transport/port.ts";

/** The role `dispatcher`: timeline events in, commands out, timers. */
export async function startDispatcher(parts: Parts, deciding: Deciding): Promise<void> {
  const { config, transport, control, store, log, closing, known } = parts;
  const { transitions, changes, revisions, evaluator } = deciding;
  const dispatcher = new Dispatcher(
    store("dispatcher"),
    transitions,
    new ChildBirths(revisions, evaluator, () => known.catalog),
    changes,
    config.consumer,
    (error, { key, headers }) =>
      log.error("an event could not be applied; mend the cause and rewind the dispatcher to it", {
        error,
        sagaId: key,
        messageId: headers["id"],
      }),
  );
  const consumer = await transport.subscribe(dispatcher.subscription());
  await control.add(consumer);
  const timers = new Timers(store("dispatcher"), transitions, changes, (error) =>
    log.error("timers could not fire", { error }),
  );
  timers.start(
    () => consumer.status().state === "running",
    () => new Map(control.consumers.filter(isFed).map((one) => [one.group, one.status().inHand])),
  );
  closing.add(() => timers.stop());
  startHeartbeat(parts);
  startRecovering(parts, () => consumer.owns("timeline", 0));
  startTraces(parts, () => consumer.owns("timeline", 0));
  const redrives = new RedriveRunner(parts.sql, (error) => log.error("a redrive could not be carried on", { error }));
  redrives.start();
  closing.add(() => redrives.stop());
  // One process for all schedules: the one that has the timeline's first partition.
  await startStarts(parts, deciding, () => consumer.status().state === "running" && consumer.owns("timeline", 0));
}

/** Whether what timers set in motion comes to this group: the dispatcher's or a domain's, no projection's. */
function isFed({ group }: Consumer): boolean {
  return !group.includes(".");
}

/** How often what has happened is sent to the collector. */
const TRACES_EVERY_MS = 2_000;

/** One process sends traces for all: the one that has the timeline's first partition. */
function startTraces({ config, sql, log, closing }: Parts, active: () => boolean): void {
  if (config.tracesEndpoint === undefined) return;
  const traces = new Traces(sql, config.tracesEndpoint);
  let failing = false;
  const look = async () => {
    await traces.look();
    failing = false;
  };
  const duty = new Duty(
    "traces could not be sent and are tried again",
    TRACES_EVERY_MS,
    async () => (active() ? look() : undefined),
    (what, error) => {
      // Said once, not every two seconds while the collector is away.
      if (!failing) log.warn(what, { error });
      failing = true;
    },
  );
  duty.start();
  closing.add(() => duty.stop());
}

/** Measures the way of a message, in whichever process with this role reads the heartbeats' topic. */
function startHeartbeat({ config, sql, transport, log, closing }: Parts): void {
  const problem = (what: string, error: unknown) => log.warn(what, { error });
  const heartbeat = new Heartbeat({ sql, transport, producer: `dispatcher@${config.consumer}`, problem });
  heartbeat.start();
  closing.add(() => heartbeat.stop());
}

/**
 * A batch of messages has its turn already. Its starts would wait for a second one, and batches that hold all of them would
 * wait for each other until their turns are over. What comes in the same moment goes together all the same.
 */
const heldTurn = async () => () => {};

/** What starts sagas besides calls: the time, and messages of other programs. */
async function startStarts(parts: Parts, deciding: Deciding, active: () => boolean): Promise<void> {
  const { config, sql, transport, control, groups, known, store, log, closing } = parts;
  const { transitions, changes, revisions, evaluator, desk } = deciding;
  const recorder = new Recorder(store("dispatcher"), transitions, changes);
  const starter = new Starter(recorder, revisions, evaluator, () => known.catalog, heldTurn, desk.whyAbsent);
  const start: Starter["start"] = (request) => starter.start(request);
  const definitions = () => desk.definitions;
  const startGroups = new StartGroups({
    transport,
    control,
    register: () => groups.register(),
    definitions,
    messages: { sql, evaluator, start, consumer: config.consumer },
    log,
  });
  await startGroups.start();
  closing.add(() => startGroups.stop());
  const schedules = new Schedules({ sql, definitions, start, evaluator, log });
  schedules.start(active);
  closing.add(() => schedules.stop());
}
