import type { PartHealth } from "../../transport/port.ts";
import type { GroupReport } from "../groups.ts";
import { fault, type Finding, fine } from "./finding.ts";

/** What an engine says of itself. */
export interface EngineHealth {
  readonly ready: boolean;
  readonly parts: readonly (Omit<PartHealth, "hint"> & { readonly hint?: string | undefined })[];
}

/**
 * A line for the engine as a whole, and one for each of its parts that no other check has told of. A part that is red stays,
 * even where the same was found well from outside.
 */
export function engineFindings({ ready, parts }: EngineHealth, outside: readonly Finding[]): readonly Finding[] {
  const red = parts.filter(({ ok }) => !ok).map(({ part }) => part);
  const told = new Map(outside.map(({ check, level }) => [check === "postgresql" ? "database" : check, level]));
  const own = parts.filter(({ part, ok }) => !told.has(part) || (!ok && told.get(part) === "ok"));
  return [
    ready
      ? fine("engine", `ready, ${parts.length} parts`)
      : fault("red", "engine", `not ready: ${red.join(", ")}`, "The lines of these parts say what to do."),
    ...own.map(({ part, ok, detail, hint }) =>
      ok && hint === undefined ? fine(part, detail) : fault(ok ? "warn" : "red", part, detail, hint ?? ""),
    ),
  ];
}

/** Groups whose members cannot go on, or else how much waits. */
export function lagFindings(groups: readonly Pick<GroupReport, "group" | "lag" | "members">[]): readonly Finding[] {
  const stuck = groups.flatMap(({ group, lag, members }) =>
    members.flatMap(({ problem }) => {
      if (problem === null) return [];
      const detail = `group ${group} is stuck with ${lag} messages: ${problem}`;
      return [fault("red", "lag", detail, `bun run ekiden messages --error --group ${group}`)];
    }),
  );
  if (stuck.length > 0) return stuck;
  return [fine("lag", `${groups.reduce((sum, { lag }) => sum + lag, 0)} messages wait in ${groups.length} groups`)];
}
