import * as v from "valibot";

/** A time as the API writes it. */
export const Time = v.pipe(v.string(), v.isoTimestamp());
const EXAMPLE_ID = "01KAS0CW5V8XJQ6Z3T4M7N9PRD";

export const SagaStatus = v.pipe(
  v.picklist(["running", "compensating", "parked", "completed", "failed", "cancelled", "terminated"]),
  v.description("`parked` waits for a person; `completed`, `failed`, `cancelled` and `terminated` are final"),
);

export const SagaError = v.pipe(
  v.strictObject({
    code: v.pipe(v.string(), v.description("Stable code"), v.examples(["screening_rejected"])),
    message: v.pipe(v.string(), v.description("The reason in words; `***` for who may not read payloads")),
    step: v.pipe(v.nullable(v.string()), v.description("Path of the step that failed"), v.examples(["screen"])),
    line: v.optional(v.pipe(v.number(), v.description("Line in the YAML, for a fault of the definition"))),
    column: v.optional(v.pipe(v.number(), v.description("Column in the YAML, for a fault of the definition"))),
  }),
  v.description(
    "Why a saga failed or is parked. Of a step: why its handler rejected it, or its last attempt failed; absent when nothing did, when it was undone, and in lists of sagas",
  ),
);

export const SagaStep = v.pipe(
  v.strictObject({
    path: v.pipe(v.string(), v.description("Path of the step in the saga"), v.examples(["apply"])),
    status: v.pipe(
      v.string(),
      v.description(
        "running, retrying, waiting, parked, succeeded, rejected, failed, skipped, compensating, compensated or kept",
      ),
      v.examples(["succeeded"]),
    ),
    attempts: v.pipe(v.number(), v.integer(), v.description("Attempts sent"), v.examples([1])),
    startedAt: v.pipe(v.nullable(Time), v.description("When the saga first reached it")),
    finishedAt: v.pipe(v.nullable(Time), v.description("When it ended; null while it is open")),
    error: v.optional(SagaError),
  }),
  v.description("A step that the saga has reached"),
);

export const Waiting = v.pipe(
  v.strictObject({
    signal: v.pipe(v.string(), v.description("Name of the signal"), v.examples(["screening_reviewed"])),
    path: v.pipe(v.string(), v.description("Path of the waiting step"), v.examples(["choose2/manual_review/review"])),
    deadlineAt: v.pipe(v.nullable(Time), v.description("When the wait gives up; null: never")),
  }),
  v.description("A signal that the saga waits for"),
);

export const PausedGroup = v.pipe(
  v.strictObject({
    group: v.pipe(v.string(), v.description("`dispatcher` or `<domain>`"), v.examples(["screening"])),
    since: v.pipe(
      v.nullable(Time),
      v.description("When it was paused; null: held until `ekiden recover` has been run"),
    ),
    by: v.optional(
      v.pipe(v.nullable(v.string()), v.description("Who paused it; absent for a key that is for some definitions")),
    ),
    reason: v.optional(v.pipe(v.nullable(v.string()), v.description("Why; absent likewise"))),
  }),
  v.description("A consumer group that is paused: it takes nothing up until it is resumed"),
);

export const WaitsOn = v.pipe(
  v.strictObject({
    kind: v.pipe(
      v.picklist(["person", "signal", "child", "retry", "sleep", "answer"]),
      v.description(
        "person: it is parked, or its undoing is, of a completed child; signal: somebody has to send it; child: another saga has to end, or to be undone; retry: the next attempt; sleep: its own pause; answer: a step, or what undoes it, is out",
      ),
    ),
    step: v.pipe(
      v.nullable(v.string()),
      v.description("Path of the step"),
      v.examples(["choose2/manual_review/review"]),
    ),
    signal: v.optional(v.pipe(v.string(), v.description("Name of the signal"), v.examples(["screening_reviewed"]))),
    child: v.optional(
      v.pipe(
        v.strictObject({ sagaId: v.pipe(v.string(), v.description("The child saga")), status: SagaStatus }),
        v.description("Of a child; absent for a key that is not for the child's definition"),
      ),
    ),
    pausedGroup: v.optional(
      v.pipe(
        PausedGroup,
        v.description("Of an answer: the paused group that has to give or to apply it; absent: none is"),
      ),
    ),
    since: v.pipe(Time, v.description("Since when; of a person, and of an undoing, the saga's last transition")),
    until: v.pipe(v.nullable(Time), v.description("When the wait gives up, or what is due then; null: no such time")),
  }),
  v.description("What an open saga waits for; of several the one that somebody has to act on"),
);

export const Timer = v.pipe(
  v.strictObject({
    kind: v.pipe(
      v.picklist(["retry", "deadline", "guard", "sleep"]),
      v.description(
        "retry: the next attempt, of a step or of its compensation; deadline: the step, or the saga, gives up; guard: how a step has ended is asked for again; sleep: it goes on",
      ),
    ),
    step: v.pipe(
      v.nullable(v.string()),
      v.description("Path of the step; null: the saga as a whole"),
      v.examples(["screen"]),
    ),
    dueAt: v.pipe(Time, v.description("When, by the database's clock")),
  }),
  v.description("What the saga does by itself when the time comes"),
);

export const Uncompensated = v.pipe(
  v.strictObject({
    step: v.pipe(v.string(), v.description("Path of the step"), v.examples(["notify5"])),
    reason: v.pipe(v.string(), v.description("Why it was not undone")),
  }),
  v.description("A step that may have taken effect and was not undone"),
);

export const Parent = v.pipe(
  v.strictObject({
    sagaId: v.pipe(v.string(), v.description("The saga that started it and awaits its end"), v.examples([EXAMPLE_ID])),
    step: v.pipe(v.string(), v.description("Path of the step in that saga"), v.examples(["transfers[3]/transfer"])),
  }),
  v.description("Where a child saga belongs; its own children: GET /v1/sagas?parent=<its id>"),
);

export const Saga = v.pipe(
  v.strictObject({
    sagaId: v.pipe(
      v.string(),
      v.description("ULID of the saga; the correlation id of its messages"),
      v.examples([EXAMPLE_ID]),
    ),
    definition: v.pipe(v.string(), v.description("Name of its definition"), v.examples(["onboarding"])),
    version: v.pipe(v.number(), v.integer(), v.description("The author's number in the YAML"), v.examples([1])),
    revision: v.pipe(v.string(), v.description("Content hash of the YAML it runs on")),
    status: SagaStatus,
    key: v.pipe(v.nullable(v.string()), v.description("Business key, unique among open sagas"), v.examples(["A-1001"])),
    labels: v.pipe(
      v.record(v.string(), v.unknown()),
      v.description("Searchable labels"),
      v.examples([{ purpose: "car" }]),
    ),
    input: v.optional(
      v.pipe(
        v.unknown(),
        v.description("Start input; sensitive values are `***`. Absent: the saga was read with `bodies=false`"),
      ),
    ),
    output: v.optional(
      v.pipe(
        v.unknown(),
        v.description("Output of a completed saga; null before. Absent: the saga was read with `bodies=false`"),
      ),
    ),
    error: v.nullable(SagaError),
    uncompensated: v.array(Uncompensated),
    steps: v.pipe(
      v.array(SagaStep),
      v.description(
        "Steps in the order in which they were reached; of more than 200, those that have not ended and the newest",
      ),
    ),
    moreSteps: v.optional(v.pipe(v.literal(true), v.description("There are more: all are at /v1/sagas/{id}/steps"))),
    waitingFor: v.pipe(v.nullable(v.array(Waiting)), v.description("Signals it waits for; null: none")),
    waiting: v.nullable(WaitsOn),
    timers: v.pipe(
      v.array(Timer),
      v.description("What it does by itself, the soonest first; of more than 200 the soonest"),
    ),
    parent: v.pipe(v.nullable(Parent), v.description("Null: nobody's child")),
    startedAt: v.pipe(Time, v.description("When it was accepted")),
    updatedAt: v.pipe(Time, v.description("Time of its last transition")),
    finishedAt: v.pipe(v.nullable(Time), v.description("When it became final")),
  }),
  v.description("One run of a definition"),
);

export const SagaList = v.pipe(
  v.strictObject({
    items: v.array(Saga),
    nextCursor: v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this was the last")),
  }),
  v.description("Sagas, newest first"),
);

export const StepList = v.pipe(
  v.strictObject({
    items: v.array(SagaStep),
    nextCursor: v.pipe(v.nullable(v.string()), v.description("`cursor` of the next page; null: this was the last")),
  }),
  v.description("Steps of a saga, by path"),
);

export const Accepted = v.pipe(
  v.strictObject({
    sagaId: v.pipe(v.string(), v.description("The saga"), v.examples([EXAMPLE_ID])),
    status: SagaStatus,
    messageId: v.pipe(v.string(), v.description("The message that was recorded")),
    applied: v.pipe(
      v.boolean(),
      v.description("False: the dispatcher is paused and applies it later"),
      v.examples([true]),
    ),
  }),
  v.description("A request that was recorded"),
);
