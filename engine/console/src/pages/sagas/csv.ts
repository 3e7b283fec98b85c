import type { Saga } from "../../data/shapes.ts";

const FIELDS = ["sagaId", "definition", "version", "status", "key", "startedAt", "updatedAt", "finishedAt"] as const;

/** Sagas as RFC 4180 has them. A text that a spreadsheet would take for a formula stays a text. */
export function csvOf(sagas: readonly Saga[]): string {
  const rows = sagas.map((saga) => FIELDS.map((field) => cell(String(saga[field] ?? ""))).join(","));
  return [FIELDS.join(","), ...rows, ""].join("\r\n");
}

function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
