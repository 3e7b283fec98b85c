/**
 * Loaded before an engine (BUN_OPTIONS): its clock is as far off as the file EKIDEN_FAULT_CLOCK says, in milliseconds, and
 * jumps when the file is written. What JavaScript reads moves; timers of the process and the database's clock do not.
 */
import { readFileSync } from "node:fs";

const file = process.env["EKIDEN_FAULT_CLOCK"] ?? "";
const now = Date.now.bind(Date);
let offsetMs = 0;

function look(): void {
  try {
    offsetMs = Number(readFileSync(file, "utf8")) || 0;
  } catch {
    offsetMs = 0;
  }
}

const RealDate = Date;
const Moved = function (this: unknown, ...given: []) {
  if (new.target === undefined) return new RealDate(now() + offsetMs).toString();
  return given.length === 0 ? new RealDate(now() + offsetMs) : Reflect.construct(RealDate, given, new.target);
} as unknown as DateConstructor;
Object.defineProperty(Moved, "prototype", { value: RealDate.prototype });
Moved.now = () => now() + offsetMs;
Moved.parse = RealDate.parse;
Moved.UTC = RealDate.UTC;
globalThis.Date = Moved;

look();
setInterval(look, 200).unref();
