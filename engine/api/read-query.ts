import type { Context } from "hono";
import * as v from "valibot";

import { issueText } from "../core/issue.ts";
import { RequestError, type RequestFault } from "./request-error.ts";

/** The query parsed by a schema. @throws RequestError `request.query-invalid` */
export function readQuery<S extends v.GenericSchema>(c: Context, schema: S): v.InferOutput<S> {
  return parseQuery(queryTexts(c), schema);
}

/** Parameters as texts. One given twice is refused rather than half read. @throws RequestError `request.query-invalid` */
export function queryTexts(c: Context): Record<string, string> {
  const given = Object.entries(c.req.queries());
  const twice = given.filter(([, values]) => values.length > 1);
  if (twice.length > 0) throw refused(twice.map(([parameter]) => ({ parameter, detail: "stands twice" })));
  return Object.fromEntries(given.map(([parameter, values]) => [parameter, values[0] ?? ""]));
}

/** @throws RequestError `request.query-invalid` */
export function parseQuery<S extends v.GenericSchema>(
  query: Readonly<Record<string, string>>,
  schema: S,
): v.InferOutput<S> {
  const parsed = v.safeParse(schema, query);
  if (parsed.success) return parsed.output;
  throw refused(parsed.issues.map(toFault));
}

function refused(faults: readonly RequestFault[]): RequestError {
  const places = faults.map((fault) => `${fault.parameter} ${fault.detail}`).join("; ");
  return new RequestError("request.query-invalid", places, "See /docs for the parameters of this path.", faults);
}

function toFault(issue: v.BaseIssue<unknown>): RequestFault {
  const parameter = String(issue.path?.[0]?.key ?? "");
  if (issue.expected === "never") return { parameter, detail: "is no parameter of this path" };
  // Of several with commas, which.
  const which = (issue.path?.length ?? 0) > 1 ? `has ${issue.received}, which ` : "";
  return { parameter, detail: `${which}${issueText(issue)}` };
}
