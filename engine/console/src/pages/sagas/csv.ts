import type { Saga } from "../../data/shapes.ts";
import { currentStep } from "./current-step.ts";

const FIELDS = ["sagaId", "definition", "version", "status", "key", "startedAt", "updatedAt", "finishedAt"] as const;
const OF_STEP = ["step", "attempts", "errorCode"] as const;

/** Sagas as RFC 4180 has them. A text that a spreadsheet would take for a formula stays a text. */
export function csvOf(sagas: readonly Saga[]): string {
  const rows = sagas.map((saga) => {
    const step = currentStep(saga);
    const values = [...FIELDS.map((field) => saga[field]), step?.path, step?.attempts, saga.error?.code];
    return values.map((value) => cell(String(value ?? ""))).join(",");
  });
  return [[...FIELDS, ...OF_STEP].join(","), ...rows, ""].join("\r\n");
}

function cell(text: string): string {
  const plain = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}
