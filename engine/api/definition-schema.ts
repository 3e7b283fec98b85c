import * as v from "valibot";

import { Time } from "./saga-schema.ts";

const name = v.pipe(v.string(), v.description("Name"), v.examples(["onboarding"]));
const version = v.pipe(v.number(), v.integer(), v.description("The author's number in the YAML"), v.examples([1]));
const count = v.pipe(v.number(), v.integer(), v.minValue(0), v.examples([0]));
const revision = v.pipe(v.string(), v.description("SHA-256 of the source, hex"));

export const Diagnostic = v.pipe(
  v.strictObject({
    severity: v.picklist(["error", "warning"]),
    code: v.pipe(v.string(), v.description("Stable code"), v.examples(["definition.unknown-key"])),
    message: v.string(),
    line: v.pipe(v.number(), v.integer(), v.description("From 1"), v.examples([12])),
    column: v.pipe(v.number(), v.integer(), v.description("From 1"), v.examples([5])),
    hint: v.pipe(v.string(), v.description("The fix, as a sentence")),
  }),
  v.description("One finding about a definition"),
);

export const Diagnostics = v.pipe(v.array(Diagnostic), v.description("Findings in the order of the file; empty: none"));

export const Retirement = v.pipe(
  v.strictObject({
    since: Time,
    by: v.pipe(v.string(), v.description("Who"), v.examples(["key:ann"])),
    reason: v.pipe(v.string(), v.description("Why")),
  }),
  v.description("A definition that starts no saga until it is restored; what was started goes on"),
);

const retired = v.pipe(v.nullable(Retirement), v.description("Null: it is not retired"));
const file = v.pipe(
  v.nullable(v.string()),
  v.description("Its file in the folder of the engine that answers; null: there is none, or it cannot be used"),
  v.examples(["domains/onboarding.saga.yaml"]),
);

export const DefinitionSummary = v.pipe(
  v.strictObject({
    name,
    version,
    revision,
    updatedAt: v.pipe(Time, v.description("When this revision became current")),
    file,
    retired,
    open: v.optional(
      v.pipe(count, v.description("Sagas that are not final. Absent: the list was read without `open=true`")),
    ),
  }),
  v.description("A definition and its current revision: what a new saga runs on"),
);

export const BrokenFile = v.pipe(
  v.strictObject({
    file: v.string(),
    diagnostics: v.array(Diagnostic),
    source: v.optional(
      v.pipe(
        v.nullable(v.string()),
        v.description(
          "The YAML as it is on disk; null: it has more than 256 KiB. Absent: the list was read with `sources=false`",
        ),
      ),
    ),
  }),
  v.description("A file that is not in use because it has errors; the last good revision goes on"),
);

export const DefinitionList = v.pipe(
  v.strictObject({
    items: v.array(DefinitionSummary),
    nextCursor: v.pipe(v.null(), v.description("Always null: definitions are one page")),
    broken: v.array(BrokenFile),
  }),
  v.description("Definitions by name"),
);

export const RevisionSummary = v.pipe(
  v.strictObject({
    revision,
    version,
    createdAt: v.pipe(Time, v.description("When it was first seen")),
    current: v.pipe(v.boolean(), v.description("True: new sagas run on it")),
    open: v.pipe(count, v.description("Sagas that are not final and finish on it")),
    parked: v.pipe(count, v.description("Of those: how many wait for a person")),
  }),
  v.description("One revision"),
);

export const ScheduleRun = v.pipe(
  v.strictObject({
    plannedAt: v.pipe(Time, v.description("The time that the cron line names")),
    status: v.pipe(
      v.picklist(["waiting", "started", "skipped", "refused"]),
      v.description("`waiting`: for the saga of an earlier time to end"),
    ),
    sagaId: v.pipe(v.nullable(v.string()), v.description("The saga that was started")),
    reason: v.pipe(v.nullable(v.string()), v.description("Why it was skipped or refused")),
  }),
  v.description("A planned time and what became of it"),
);

export const DefinitionSchedule = v.pipe(
  v.strictObject({
    cron: v.pipe(v.string(), v.examples(["0 3 1 * *"])),
    timezone: v.pipe(v.string(), v.description("IANA name"), v.examples(["Asia/Tokyo"])),
    overlap: v.picklist(["skip", "queue", "allow"]),
    nextAt: v.pipe(
      v.nullable(Time),
      v.description("The next planned time; null: there is none, or the definition is retired"),
    ),
    runs: v.pipe(v.array(ScheduleRun), v.description("The last 20, newest first")),
  }),
  v.description("When sagas of the definition are started by time"),
);

export const DefinitionDetail = v.pipe(
  v.strictObject({
    name,
    version,
    revision,
    updatedAt: v.pipe(Time, v.description("When this revision became current")),
    file,
    retired,
    source: v.pipe(v.string(), v.description("The YAML")),
    schedule: v.pipe(v.nullable(DefinitionSchedule), v.description("Null: it has none")),
    startTopic: v.pipe(v.nullable(v.string()), v.description("Topic whose messages start it; null: none")),
    revisions: v.pipe(
      v.array(RevisionSummary),
      v.description("Newest first: the last 200, and older ones that sagas still run on"),
    ),
  }),
  v.description("A definition with its revisions"),
);

export const SignalField = v.pipe(
  v.strictObject({
    name: v.pipe(v.string(), v.examples(["decision"])),
    shape: v.pipe(v.string(), v.description("What it holds, as the YAML says it"), v.examples(["string(1..60)?"])),
    kind: v.picklist(["string", "number", "integer", "boolean", "date", "enum", "list", "object", "any"]),
    required: v.boolean(),
    values: v.pipe(v.array(v.string()), v.description("Of an enum: what it can be; else empty")),
  }),
  v.description("A field of a signal's payload"),
);

export const RevisionWait = v.pipe(
  v.strictObject({
    path: v.pipe(
      v.string(),
      v.description("Path of the waiting step, without the numbers of items"),
      v.examples(["review"]),
    ),
    signal: v.pipe(v.string(), v.examples(["screening_reviewed"])),
    fields: v.pipe(
      v.nullable(v.array(SignalField)),
      v.description("Fields of the payload that its `returns` declares; null: it declares none"),
    ),
  }),
  v.description("A step that waits for a signal"),
);

export const Revision = v.pipe(
  v.strictObject({
    name,
    revision,
    version,
    createdAt: v.pipe(Time, v.description("When it was first seen")),
    source: v.pipe(v.string(), v.description("The YAML")),
    waits: v.pipe(v.array(RevisionWait), v.description("Its steps that wait for signals, in the order of the file")),
  }),
  v.description("One revision with its source"),
);
