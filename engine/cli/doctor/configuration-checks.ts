import type { Config } from "../../config.ts";
import { fault, type Finding, fine } from "../../recovery/doctor/finding.ts";
import { unknownVariables } from "../../unknown-variables.ts";

/** What this process was told by its environment. A variable that nothing reads is often a mistyped one. */
export function configurationChecks({ kafka }: Config): readonly Finding[] {
  const unknown = unknownVariables(process.env);
  if (unknown.length > 0) return unknown.map(({ detail, fix }) => fault("warn", "configuration", detail, fix));
  return [fine("configuration", kafka === undefined ? "embedded transport" : `Kafka at ${kafka.brokers.join(", ")}`)];
}
