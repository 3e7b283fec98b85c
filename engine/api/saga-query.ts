import type { InferOutput } from "valibot";
import * as v from "valibot";

import { issueText } from "../core/issue.ts";
import type { SagaFilter } from "../timeline/read-sagas.ts";
import { readCursor } from "./cursor.ts";
import { Limit, QueryText, queryFlag, queryTime, queryUlid, Wait } from "./query-schema.ts";
import { RequestError } from "./request-error.ts";
import { SagaStatus } from "./saga-schema.ts";

const wait = v.optional(
  v.pipe(v.string(), v.description("Waits until the saga is final or parked, at most 60s"), v.examples(["10s"]), Wait),
  "0",
);
const cursor = v.optional(v.pipe(QueryText, v.description("`nextCursor` of the page before")));

export const StartQuery = v.strictObject({
  wait,
  duplicate: v.optional(
    v.pipe(
      v.picklist(["return", "reject"]),
      v.description("`reject`: an open business key answers 409 even if the input is the same"),
    ),
    "return",
  ),
});

export const SagaQuery = v.strictObject({
  wait,
  bodies: v.optional(queryFlag("false: without input and output"), "true"),
});

export const TimelineQuery = v.strictObject({
  around: v.optional(queryUlid("Id of a message: the page has it in its middle")),
  step: v.optional(
    v.pipe(
      QueryText,
      v.description("Path of a step: the page has its newest message in its middle; without one, the newest messages"),
      v.examples(["screen"]),
    ),
  ),
  newest: v.optional(queryFlag("true: the page has the newest messages; false: the oldest"), "false"),
  bodies: v.optional(queryFlag("false: without bodies; `GET /v1/messages/{messageId}` has each"), "true"),
  limit: Limit,
  cursor,
});

export const StepListQuery = v.strictObject({ limit: Limit, cursor });

/** Without `label.<name>`, whose names are open. */
export const SagaListQuery = v.strictObject({
  definition: v.optional(v.pipe(QueryText, v.description("Name of the definition"))),
  status: v.optional(
    v.pipe(
      QueryText,
      v.description(`One or several of ${SagaStatus.pipe[0].options.join(", ")}, with commas`),
      v.examples(["parked", "running,compensating"]),
      v.transform((text) => text.split(",")),
      v.array(SagaStatus),
    ),
  ),
  key: v.optional(v.pipe(QueryText, v.description("Business key"))),
  parent: v.optional(queryUlid("Id of a saga: its children")),
  step: v.optional(
    v.pipe(
      QueryText,
      v.description("Path of a step: open sagas that are at it. `each1[]/pack`: at this step of any item"),
      v.examples(["screen"]),
    ),
  ),
  startedAfter: v.optional(queryTime("Started after this time")),
  startedBefore: v.optional(queryTime("Started before this time")),
  endedAfter: v.optional(
    queryTime("Ended since this time, by a message of since then; the longer ago, the more is looked through"),
  ),
  endedBefore: v.optional(queryTime("Ended before this time")),
  revision: v.optional(v.pipe(QueryText, v.description("Hash of the revision that they run on"))),
  retrying: v.optional(queryFlag("true: open sagas that wait for the next attempt of a step; false: all others")),
  retryingGroup: v.optional(v.pipe(QueryText, v.description("Id of a group of `GET /v1/retrying`: its sagas"))),
  bodies: v.optional(queryFlag("false: without inputs and outputs; `GET /v1/sagas/{id}` has each"), "true"),
  limit: Limit,
  cursor,
});

const LABEL = "label.";

/** Splits `label.<name>` off a query. @throws RequestError `request.query-invalid` when a label has no name or a bad value */
export function splitLabels(query: Readonly<Record<string, string>>): {
  labels: Record<string, string>;
  rest: Record<string, string>;
} {
  const labels: Record<string, string> = {};
  const rest: Record<string, string> = {};
  for (const [parameter, value] of Object.entries(query)) {
    if (!parameter.startsWith(LABEL)) rest[parameter] = value;
    else labels[labelOf(parameter)] = labelValue(parameter, value);
  }
  return { labels, rest };
}

/** The query of a list as the store takes it; asks for one row more, which tells whether there is a next page. */
export function sagaFilter(
  query: InferOutput<typeof SagaListQuery>,
  labels: Readonly<Record<string, string>>,
  definitions: readonly string[] | undefined,
): SagaFilter {
  const { status, limit, cursor: text, definition: _one, ...rest } = query;
  const before = text === undefined ? undefined : readCursor(text, ["sagas"]).id;
  return { ...rest, definitions, statuses: status, labels, before, limit: limit + 1 };
}

function labelOf(parameter: string): string {
  if (/^label\.[a-z][a-z0-9_]{0,47}$/.test(parameter)) return parameter.slice(LABEL.length);
  throw badLabel(parameter, "is no label");
}

function labelValue(parameter: string, value: string): string {
  const read = v.safeParse(QueryText, value);
  if (read.success) return read.output;
  throw badLabel(parameter, issueText(read.issues[0]));
}

function badLabel(parameter: string, detail: string): RequestError {
  const hint = "Filter by a label as label.<name>=<value>.";
  return new RequestError("request.query-invalid", `${parameter} ${detail}`, hint, [{ parameter, detail }]);
}
