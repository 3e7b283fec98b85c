import type { Context } from "hono";
import * as v from "valibot";

import { RequestError, type RequestFault } from "./request-error.ts";

/**
 * The query, parsed by a schema of texts. A parameter given twice is refused rather than half read.
 * @throws RequestError `request.query-invalid`
 */
export function readQuery<S extends v.GenericSchema<Record<string, string>, unknown>>(c: Context, schema: S): v.InferOutput<S> {
  const faults: RequestFault[] = [];
  const query: Record<string, string> = {};
  for (const [parameter, values] of Object.entries(c.req.queries())) {
    const [value] = values;
    if (value !== undefined && values.length === 1) query[parameter] = value;
    else faults.push({ parameter, detail: "stands twice" });
  }
  const parsed = v.safeParse(schema, query);
  if (!parsed.success) faults.push(...parsed.issues.map(toFault));
  if (parsed.success && faults.length === 0) return parsed.output;
  const places = faults.map((fault) => `${fault.parameter}: ${fault.detail}`).join("; ");
  throw new RequestError("request.query-invalid", places, "See /docs for the parameters of this path.", faults);
}

function toFault(issue: v.BaseIssue<unknown>): RequestFault {
  const parameter = String(issue.path?.[0]?.key ?? "");
  return { parameter, detail: issue.expected === "never" ? "is no parameter of this path" : issue.message };
}
