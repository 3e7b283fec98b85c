import { CliError, EXIT } from "./cli-error.ts";
import { tellMistyped } from "./mistyped-variables.ts";

type Query = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = "http://127.0.0.1:8080";
/** What a header may hold. */
const KEY = /^[\x21-\x7e]+$/;

/** A path of the engine at EKIDEN_URL, or at the default of `bun run engine`. @throws CliError */
export function engineUrl(path: string, query: Query = {}): URL {
  tellMistyped();
  const text = process.env["EKIDEN_URL"] || DEFAULT_URL;
  const base = URL.canParse(text) ? new URL(text) : undefined;
  if (base?.protocol !== "http:" && base?.protocol !== "https:")
    throw new CliError(EXIT.usage, `EKIDEN_URL is "${text}", which is no address like ${DEFAULT_URL}.`);
  // Behind a proxy the engine may lie below a path.
  const url = new URL(`${base.pathname.replace(/\/+$/, "")}${path}`, base);
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value);
  return url;
}

/** Headers of a call, with EKIDEN_API_KEY as the bearer. @throws CliError */
export function engineHeaders(accept: string): Headers {
  const headers = new Headers({ accept });
  const key = process.env["EKIDEN_API_KEY"] ?? "";
  if (key === "") return headers;
  if (!KEY.test(key))
    throw new CliError(EXIT.usage, "EKIDEN_API_KEY holds a character that no key has: copy it again.");
  headers.set("authorization", `Bearer ${key}`);
  return headers;
}

/** Why a call had no answer, for a person. */
export function noAnswer(url: URL, error: unknown): CliError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return new CliError(EXIT.unreachable, reason(url, code));
}

/** The call was given up after a time. */
export function lateAnswer(url: URL, ms: number): CliError {
  const text = `The engine at ${url.origin} took the call and has not answered within ${ms / 1000} s.`;
  return new CliError(
    EXIT.unreachable,
    `${text} Is it busy (its log, /health/ready), or EKIDEN_URL another program's address?`,
  );
}

function reason(url: URL, code: string): string {
  const { origin, hostname } = url;
  if (code === "ENOTFOUND") return `There is no host "${hostname}": is EKIDEN_URL right?`;
  if (code === "EPROTO")
    return `${origin} does not speak TLS: write EKIDEN_URL with http://, or ask the proxy in front of the engine.`;
  if (/CERT|SIGNATURE|ISSUER/.test(code)) return `The certificate of ${origin} is not trusted here (${code}).`;
  if (code === "ECONNRESET")
    return `${origin} closed the connection without an answer: is EKIDEN_URL the engine's address?`;
  return `No engine answers at ${origin}: start one with \`bun run engine\`, or set EKIDEN_URL.`;
}

/** What a refused key means. */
export function unauthorized(): string {
  return (process.env["EKIDEN_API_KEY"] ?? "") === ""
    ? "The engine asks who calls: set EKIDEN_API_KEY."
    : "The engine does not accept the key in EKIDEN_API_KEY: has it expired, or is it another engine's?";
}
