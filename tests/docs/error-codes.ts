import { DIAGNOSTIC_CODES } from "../../engine/definition/diagnostic-codes.ts";
import { projectFiles } from "../architecture/project-files.ts";

/** Where a code of the engine is written down in TypeScript. */
const PLACES: readonly RegExp[] = [
  // A property or a field: `code: "a.b"`, `readonly code = "a.b"`, `code: errorCode(error) ?? "a.b"`.
  /\bcode(?::|\s*=)\s*(?:[\w().]+\s*\?\?\s*)?"([a-z]+(?:[._][a-z0-9_-]+)*)"/g,
  // The first argument of an error of ours, and of the participant's own `failed`.
  /new \w*(?:Error|Refusal)\(\s*"([a-z]+\.[a-z-]+)"/g,
  /\bfailed\(\s*"([a-z]+(?:[._][a-z-]+)*)"/g,
  // A member of a union of codes.
  /^\s*\| "([a-z]+\.[a-z-]+)"/gm,
];

/** Words of messages that look like codes and are none. */
const EVENTS =
  /^(?:step\.(?:requested|succeeded|rejected|failed)|compensation\.\w+|timer\.fired|signal\.received|cancel\.requested|retry\.requested|edit\.requested|saga\.(?:started|completed|failed|cancelled|compensating|parked))$/;

/** Every code that an answer, a row, the log or a refusal to start can carry, sorted. */
export function errorCodes(): string[] {
  const inCode = projectFiles("engine/**/*.{ts,tsx}").flatMap(({ source }) =>
    PLACES.flatMap((place) => [...source.matchAll(place)].map(([, code]) => code as string)),
  );
  const inSql = projectFiles("sql/*.sql").flatMap(({ source }) =>
    [...source.matchAll(/'((?:step|message)\.[a-z-]+)'/g)].map(([, code]) => code as string),
  );
  // `stack.${name}-failed`: a service of the stack did not start.
  const services = projectFiles("engine/stack/*.ts").flatMap(({ source }) =>
    [...source.matchAll(/\bname: "(kafka|connect)"/g)].map(([, name]) => `stack.${name}-failed`),
  );
  return [...new Set([...services, ...inCode, ...inSql, ...DIAGNOSTIC_CODES])]
    .filter((code) => !EVENTS.test(code))
    .sort();
}
