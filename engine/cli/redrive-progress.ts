import type * as v from "valibot";

import { RedriveDetail } from "../api/redrive-schema.ts";
import { call } from "./client.ts";
import { expect } from "./output.ts";
import { clearLine, drawLine } from "./write-line.ts";

type Detail = v.InferOutput<typeof RedriveDetail>;

const LOOK_EVERY_MS = 300;
const BAR_WIDTH = 24;

/** Waits until a redrive has ended or waits for a person, with a bar on a terminal's standard error. */
export async function followRedrive(created: Detail, quiet: boolean): Promise<Detail> {
  const tty = process.stderr.isTTY === true && !quiet;
  let now = created;
  for (;;) {
    if (tty) drawLine(progressText(now));
    if (now.finishedAt !== null || now.status === "waiting") break;
    await Bun.sleep(LOOK_EVERY_MS);
    now = expect(RedriveDetail, await call("GET", `/v1/redrives/${now.redriveId}`));
  }
  if (tty) clearLine();
  return now;
}

/** The bar and the counts. */
export function progressText({ total, done, failed, closed, sent, status }: Detail): string {
  const settled = done + failed + closed;
  const share = total === 0 ? 1 : settled / total;
  const full = Math.floor(share * BAR_WIDTH);
  const bar = `${"█".repeat(full)}${"░".repeat(BAR_WIDTH - full)} ${String(Math.floor(share * 100)).padStart(3)} %`;
  const first = status === "first" ? "  the first decides whether the rest follow" : "";
  return `${bar}  ${done} done, ${failed} failed, ${closed} closed, ${sent} on their way, of ${total}${first}`;
}
