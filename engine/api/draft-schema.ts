import * as v from "valibot";

import { Graph } from "./graph-schema.ts";
import { SagaStatus } from "./saga-schema.ts";

const Source = v.pipe(
  v.string("must be a text"),
  v.minLength(1, "is empty"),
  v.description("The YAML"),
  v.examples(["saga: onboarding\nversion: 1\n"]),
);
const Word = v.pipe(v.string(), v.minLength(1, "is empty"), v.maxLength(500, "is longer than 500 characters"));
const Span = v.pipe(v.string("must be a text"), v.maxLength(40, "is longer than 40 characters"));
const json = (what: string) => v.pipe(v.unknown(), v.description(what));

export const SimulationRequest = v.pipe(
  v.strictObject({
    source: Source,
    input: v.optional(json("Input of the saga; absent: the plainest that its `input` allows")),
    outcomes: v.optional(
      v.pipe(
        v.record(
          Word,
          v.pipe(
            v.array(
              v.union(
                [
                  v.pipe(v.string(), v.maxLength(100, "is longer than 100 characters")),
                  v.strictObject({ output: json("Fields of its output") }),
                ],
                "must be an outcome as `ekiden simulate` writes them, or {output}",
              ),
            ),
            v.maxLength(100, "has more than 100 outcomes"),
          ),
        ),
        v.description(
          "By step, `undo screen` for a compensation: how it ends, one for each attempt, the last for all that follow. As `ekiden simulate` writes them (`rejected:code`, `failed*3`, `silent`), or fields of the output of one that succeeds. A step that is not named succeeds.",
        ),
        v.examples([{ contract: ["rejected:limit"], "undo screen": ["failed*2"] }]),
      ),
    ),
    signals: v.optional(
      v.pipe(
        v.array(
          v.strictObject({
            signal: Word,
            payload: v.optional(json("Absent: made up from what the step asks for")),
            at: v.optional(v.pipe(Span, v.description("So long after the start; absent: as soon as it is waited for"))),
          }),
        ),
        v.maxLength(100, "has more than 100 signals"),
        v.description("Signals that come"),
      ),
    ),
    cancelAt: v.optional(v.pipe(Span, v.description("It is cancelled so long after its start"), v.examples(["1h"]))),
    until: v.optional(v.pipe(Span, v.description("The clock stops so long after its start"), v.examples(["3d"]))),
  }),
  v.description("A definition, and what is to happen to a saga of it"),
);

const ms = v.pipe(v.number(), v.description("Milliseconds from the start"), v.examples([1500]));
const step = v.pipe(v.string(), v.description("What people call the step; `undo apply`: its compensation"));

export const SimulatedStep = v.pipe(
  v.strictObject({
    step,
    path: v.pipe(
      v.string(),
      v.description("Its path, without the numbers of items"),
      v.examples(["choose2/no/review"]),
    ),
    kind: v.pipe(v.string(), v.examples(["command"])),
    undone: v.pipe(v.boolean(), v.description("It has a compensation")),
    signal: v.pipe(v.nullable(v.string()), v.description("What it waits for")),
  }),
  v.description("A step of the definition"),
);

export const SimulatedEntry = v.pipe(
  v.strictObject({
    atMs: ms,
    kind: v.picklist(["sent", "answered", "step", "timer", "signal", "cancel", "refused", "saga"]),
    step: v.pipe(v.nullable(v.string()), v.description("Null where the whole saga is meant")),
    text: v.string(),
    data: v.optional(json("Body, payload or output; absent: none, or longer than 4 KiB")),
  }),
  v.description("One thing that happens"),
);

export const Simulation = v.pipe(
  v.strictObject({
    input: json("The input that it started with"),
    steps: v.pipe(v.array(SimulatedStep), v.description("All steps, in the order of the file")),
    graph: Graph,
    entries: v.pipe(v.array(SimulatedEntry), v.description("What happens, the first 1,000")),
    entryCount: v.pipe(v.number(), v.integer(), v.description("How many there are in all")),
    entered: v.pipe(v.array(step), v.description("The steps in the order in which they were entered, the first 1,000")),
    states: v.pipe(
      v.array(v.strictObject({ step, status: v.string() })),
      v.description("How each step stands at the end, the first 1,000"),
    ),
    status: SagaStatus,
    error: v.pipe(
      v.nullable(v.strictObject({ code: v.string(), message: v.string(), step })),
      v.description("Why it failed, was cancelled or is parked"),
    ),
    uncompensated: v.pipe(
      v.array(v.strictObject({ step, reason: v.string() })),
      v.description("What was done and is not undone"),
    ),
    output: v.optional(json("What the saga gives; absent: nothing, or longer than 4 KiB")),
    waitingFor: v.pipe(v.array(v.string()), v.description("Signals that it waits for")),
    ended: v.pipe(
      v.picklist(["at-rest", "time", "too-long"]),
      v.description("Nothing more can happen; `until` was reached; or it went on and on"),
    ),
    endedAtMs: ms,
    unused: v.pipe(v.array(v.string()), v.description("What was planned and never happened")),
  }),
  v.description("What a saga would do"),
);

export const ComparisonRequest = v.pipe(
  v.strictObject({ before: Source, after: Source }),
  v.description("Two texts of a definition"),
);

export const DefinitionChange = v.pipe(
  v.strictObject({
    change: v.picklist(["added", "removed", "moved", "changed"]),
    subject: v.picklist(["step", "input", "label", "setting"]),
    name: v.pipe(
      v.string(),
      v.description("Path of the step, or name of the field, label or setting"),
      v.examples(["screen"]),
    ),
    what: v.pipe(v.string(), v.description("What it is"), v.examples(["command screening.examine"])),
    details: v.pipe(
      v.array(v.strictObject({ name: v.string(), before: v.nullable(v.string()), after: v.nullable(v.string()) })),
      v.description("What of it is another; null: it is not there"),
    ),
  }),
  v.description("A difference in meaning"),
);

export const Comparison = v.pipe(
  v.strictObject({ changes: v.array(DefinitionChange) }),
  v.description("What is different in meaning; none: they differ in comments and layout at most"),
);
