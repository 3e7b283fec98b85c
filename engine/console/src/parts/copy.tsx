import { useState } from "preact/hooks";

import { t } from "./text.ts";

/** Copies a text. */
export function Copy({ text, label }: { readonly text: () => string; readonly label?: string }) {
  const [done, setDone] = useState(false);
  const copy = async () => {
    await writeClipboard(text());
    setDone(true);
    setTimeout(() => setDone(false), 1_500);
  };
  return (
    <button type="button" class="button quiet" onClick={() => void copy()}>
      <span aria-live="polite">{done ? `✓ ${t("copied")}` : (label ?? t("copy"))}</span>
    </button>
  );
}

/** Pages that are not secure have no clipboard but the old one. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const area = Object.assign(document.createElement("textarea"), { value: text });
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}

/** A call as a shell command. The key is the reader's to fill in: it is never copied. */
export function curlOf(
  method: "GET" | "POST",
  path: string,
  body?: unknown,
  signedIn = false,
  idempotencyKey?: string,
): string {
  const parts = [`curl -X ${method} ${quoted(`${location.origin}${path}`)}`];
  if (signedIn) parts.push(`-H "Authorization: Bearer $EKIDEN_API_KEY"`);
  if (idempotencyKey !== undefined) parts.push(`-H 'Idempotency-Key: ${idempotencyKey}'`);
  if (body !== undefined) parts.push("-H 'content-type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

/** A word for a shell. */
export function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
