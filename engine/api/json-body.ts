import * as v from "valibot";

import { issueText } from "../core/issue.ts";
import { isJsonObject, type Json } from "../core/json.ts";
import { pointer, scanJson } from "../core/json-scan.ts";
import { RequestError, type RequestFault } from "./request-error.ts";

/** Largest request body, in bytes. The outbox holds no larger message. */
export const BODY_MAX_BYTES = 262_144;

const JSON_MEDIA = /^application\/(?:[a-z0-9.-]+\+)?json$/;

/**
 * The body as JSON; undefined when there is none.
 * @throws RequestError `request.too-large`, `request.media-type`, `request.malformed-json`, `request.body-invalid`
 */
export async function readJson(request: Request): Promise<Json | undefined> {
  const text = await readText(request);
  if (text === undefined) return undefined;
  checkMedia(request, JSON_MEDIA, "application/json");
  const value = parse(text);
  const problems = scanJson(text);
  if (problems.length > 0) throw invalidBody(problems.map(({ path, message }) => ({ pointer: path, detail: message })));
  return value;
}

/** The body, an empty object when there is none, parsed by the schema of an object. @throws RequestError */
export async function readBody<S extends v.GenericSchema>(request: Request, schema: S): Promise<v.InferOutput<S>> {
  const body = (await readJson(request)) ?? {};
  // A schema of an object takes a list too, when none of its fields is required.
  if (!isJsonObject(body)) throw invalidBody([{ pointer: "", detail: "is no object" }]);
  const parsed = v.safeParse(schema, body);
  if (parsed.success) return parsed.output;
  throw invalidBody(parsed.issues.map(toFault));
}

function toFault(issue: v.BaseIssue<unknown>): RequestFault {
  const path = pointer((issue.path ?? []).map((item) => String(item.key)));
  if (issue.expected === "never") return { pointer: path, detail: "is no field of this body" };
  return { pointer: path, detail: issueText(issue) };
}

/** The body as UTF-8 text; undefined when it is empty. @throws RequestError `request.too-large`, `request.malformed-json` */
export async function readText(request: Request): Promise<string | undefined> {
  const bytes = await readBytes(request);
  if (bytes.length === 0) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new RequestError("request.malformed-json", "the body is no UTF-8", "Send the body in UTF-8.");
  }
}

/** @throws RequestError `request.media-type` */
export function checkMedia(request: Request, accepted: RegExp, name: string): void {
  const [media = ""] = (request.headers.get("content-type") ?? "").split(";");
  if (accepted.test(media.trim().toLowerCase())) return;
  const found = media.trim() === "" ? "without a media type" : `of type ${media.trim()}`;
  const where = `${request.method} ${new URL(request.url).pathname}`;
  const hint = `Send it with Content-Type: ${name}; with curl: -H 'content-type: ${name}'.`;
  throw new RequestError("request.media-type", `${where} takes ${name}, and came with a body ${found}`, hint);
}

async function readBytes(request: Request): Promise<Uint8Array> {
  // The declared length spares reading; a body of no declared length is counted as it comes.
  const declared = request.headers.get("content-length");
  if (Number(declared ?? 0) > BODY_MAX_BYTES) throw tooLarge();
  if (declared !== null) {
    const bytes = new Uint8Array(await request.arrayBuffer());
    // What comes in chunks may be longer than it was declared.
    if (bytes.length > BODY_MAX_BYTES) throw tooLarge();
    return bytes;
  }
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > BODY_MAX_BYTES) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

function parse(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RequestError("request.malformed-json", `the body is no JSON: ${reason}`, "Send one JSON value.");
  }
}

function tooLarge(): RequestError {
  const hint = `A body has at most ${BODY_MAX_BYTES} bytes. Keep large data elsewhere and send a reference to it.`;
  return new RequestError("request.too-large", "the body is too large", hint);
}

/** A body that is refused, with the places in it. */
export function invalidBody(faults: readonly RequestFault[]): RequestError {
  const places = faults.map((fault) => `${fault.pointer || "the body"}: ${fault.detail}`).join("; ");
  return new RequestError("request.body-invalid", places, "Mend what `errors` lists and send it again.", faults);
}
