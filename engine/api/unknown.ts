import { Refusal } from "../core/refusal.ts";
import { isUlid } from "../timeline/ids.ts";

const NAME = /^[a-z][a-z0-9_]{0,47}$/;
const GROUP = /^[a-z][a-z0-9_]{0,47}(?:\.[a-z][a-z0-9_]{0,47})?$/;
const HASH = /^[0-9a-f]{64}$/;

const WHAT_IDS_ARE = "A saga's id is the ULID that its start answered";
/** A longer text is no key that somebody typed. */
const KEY_SHOWN_MAX = 80;

// What cannot be a name is unknown: it never reaches the database, which cannot even hold some of it.

/** The id in upper case. @throws Refusal `saga.unknown` */
export function sagaIdOf(text: string): string {
  const id = text.toUpperCase();
  return isUlid(id) ? id : unknownSaga(text);
}

/** The id in upper case. @throws Refusal `message.unknown` */
export function messageIdOf(text: string): string {
  const id = text.toUpperCase();
  return isUlid(id) ? id : unknownMessage(text);
}

/** The id in upper case. @throws Refusal `republish.unknown` */
export function runIdOf(text: string): string {
  const id = text.toUpperCase();
  if (isUlid(id)) return id;
  throw new Refusal(
    "republish.unknown",
    `there is no republishing ${shown(text)}`,
    "POST /v1/republish answers the id.",
  );
}

/** The id in upper case. @throws Refusal `redrive.unknown` */
export function redriveIdOf(text: string): string {
  const id = text.toUpperCase();
  return isUlid(id) ? id : unknownRedrive(text);
}

/** @throws Refusal `saga.unknown-definition` */
export function definitionNameOf(text: string): string {
  return NAME.test(text) ? text : unknownDefinition(text);
}

/** @throws Refusal `definition.unknown-revision` */
export function hashOf(text: string, definition: string): string {
  return HASH.test(text) ? text : unknownRevision(definition, text);
}

/** @throws Refusal `group.unknown` */
export function groupOf(text: string): string {
  if (GROUP.test(text)) return text;
  throw new Refusal(
    "group.unknown",
    `there is no consumer group ${shown(text)}`,
    "GET /v1/consumer-groups lists them.",
  );
}

/** @throws Refusal `key.unknown` */
export function keyNameOf(text: string): string {
  if (/^[a-z][a-z0-9_.-]{0,47}$/.test(text)) return text;
  throw new Refusal("key.unknown", `there is no key ${shown(text)}`, "GET /v1/keys lists them.");
}

/** @throws Refusal `signal.invalid` */
export function signalOf(text: string): string {
  if (NAME.test(text)) return text;
  throw new Refusal("signal.invalid", `${shown(text)} is no name of a signal`, "A name is like screening_reviewed.");
}

export function unknownSaga(id: string): never {
  throw new Refusal("saga.unknown", `there is no saga ${shown(id)}`, `${WHAT_IDS_ARE}${lookUp(id)}.`);
}

export function unknownMessage(id: string): never {
  throw new Refusal(
    "message.unknown",
    `there is no message ${shown(id)}`,
    "GET /v1/messages and a saga's timeline show ids.",
  );
}

export function unknownRedrive(id: string): never {
  throw new Refusal("redrive.unknown", `there is no redrive ${shown(id)}`, "GET /v1/redrives lists them.");
}

/** `why`: what keeps the file that says it from being used. */
export function unknownDefinition(name: string, why = "GET /v1/definitions lists them."): never {
  throw new Refusal("saga.unknown-definition", `there is no definition ${shown(name)}`, why);
}

export function unknownRevision(name: string, hash: string): never {
  const hint = `GET /v1/definitions/${name} lists its revisions.`;
  throw new Refusal("definition.unknown-revision", `definition ${shown(name)} has no revision ${shown(hash)}`, hint);
}

/** Who reads mails and letters has the business key in hand, and asks for that. */
function lookUp(id: string): string {
  if (isUlid(id)) return "";
  // A full stop at its end would pass for that of the sentence.
  const key = encodeURIComponent(id.toWellFormed()).replace(/\.+$/, (dots) => "%2E".repeat(dots.length));
  return `; by its business key: GET /v1/sagas?key=${id.length > KEY_SHOWN_MAX ? "…" : key}`;
}

/** Names from outside go into messages quoted, short and without control characters. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 80).toWellFormed());
}
