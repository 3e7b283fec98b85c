import { logLevel, type logCreator } from "kafkajs";

/** What the adapter logs to. */
export interface TransportLog {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

// Said by kafkajs while a broker boots or a group changes: nothing is wrong then, and what stays wrong is reported by
// the consumer's own state.
// A broker that is away is said several times a second; the consumer's crash says it once.
const expected = /rebalanc|coordinator|not aware of this member|Connection error|Failed to connect/i;

/** Hands kafkajs' own messages on. Its errors are retried by it or end in a crash, so they are warnings here. */
export function kafkajsLog(log: TransportLog): logCreator {
  return () =>
    ({ level, namespace, log: { message, error, groupId, broker } }) => {
      const { what, reason } = split(message, error);
      const fields = { part: `kafkajs ${namespace}`.trim(), ...defined({ error, reason, group: groupId, broker }) };
      const text = `${message} ${typeof error === "string" ? error : ""}`;
      if (level > logLevel.WARN || expected.test(text)) log.info(what, fields);
      else log.warn(what, fields);
    };
}

/** kafkajs puts the reason behind the sentence: told apart, the engine's log sees that the same comes again. */
function split(message: string, error: unknown): { readonly what: string; readonly reason?: string } {
  const at = message.indexOf(": ");
  if (at < 0 || (error !== undefined && error !== null)) return { what: message };
  return { what: message.slice(0, at), reason: message.slice(at + 2) };
}

function defined(fields: Readonly<Record<string, unknown>>): Record<string, string> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined && value !== null);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, value instanceof Error ? value.message : String(value)]),
  );
}
