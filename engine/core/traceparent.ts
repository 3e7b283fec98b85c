const SOUND = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** The header if it is sound; null: it is absent, or malformed, which is to be ignored, as W3C Trace Context asks. */
export function traceparentOf(header: string | null | undefined): string | null {
  return typeof header === "string" && SOUND.test(header) ? header : null;
}
