import { nearest } from "../definition/suggest.ts";

/** A route of the API: its method and its pattern, as `/v1/sagas/:id`. */
export interface Route {
  readonly method: string;
  readonly path: string;
}

/** Longer addresses are no slip of the pen. */
const SEGMENTS_MAX = 12;

/**
 * The address that was probably meant: without `/v1` before it, with another version or a slash too many, one segment short
 * as `POST /v1/sagas` for `/v1/sagas/{id}`, named as /openapi.json names it, or misspelt. Undefined: none is near.
 */
export function meantPath(routes: readonly Route[], method: string, path: string): string | undefined {
  const ofMethod = routes.filter((route) => route.method === method);
  const parts = path.split("/").filter((part) => part !== "");
  if (parts.length > SEGMENTS_MAX) return undefined;
  const inner = parts[0] === "api" ? parts.slice(1) : parts;
  const tries = [parts, ["v1", ...inner], ["v1", ...inner.slice(1)]].map((segments) => `/${segments.join("/")}`);
  const stands = (one: string) => ofMethod.find((route) => patternOf(route.path).test(one));
  const found = tries.find((one) => one !== path && stands(one) !== undefined);
  const below = tries.map((one) => stands(`${one}/x`)).find((route) => route !== undefined);
  return found ?? below?.path.replaceAll(/:(\w+)/g, "{$1}") ?? spelt(ofMethod, parts);
}

/** Whether a route stands at an address. */
export function patternOf(path: string): RegExp {
  const segments = path.split("/").map((segment) => (segment.startsWith(":") ? "[^/]+" : RegExp.escape(segment)));
  return new RegExp(`^${segments.join("/")}$`);
}

/** The route that differs in the spelling of the fewest segments. */
function spelt(routes: readonly Route[], parts: readonly string[]): string | undefined {
  let best: string | undefined;
  let fewest = Number.POSITIVE_INFINITY;
  for (const { path } of routes) {
    const pattern = path.slice(1).split("/");
    if (pattern.length !== parts.length) continue;
    const mended = pattern.map((literal, at) => mend(literal, parts[at] ?? ""));
    const slips = mended.filter((segment, at) => segment !== parts[at]).length;
    if (mended.includes(undefined) || slips === 0 || slips >= fewest) continue;
    [best, fewest] = [`/${mended.join("/")}`, slips];
  }
  return best;
}

/** A segment as the pattern has it; undefined when it is far from that. */
function mend(literal: string, part: string): string | undefined {
  return literal.startsWith(":") || literal === part ? part : nearest(part, [literal]);
}
