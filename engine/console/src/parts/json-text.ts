import { t } from "./text.ts";

/** What a person wrote as JSON, or why it is none. */
export function jsonOf(text: string): { readonly value: unknown; readonly fault?: string } {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    return { value: null, fault: t("badJson", { why: error instanceof Error ? error.message : String(error) }) };
  }
}
