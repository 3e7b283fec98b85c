import { language } from "../data/language.ts";

/** Units are written behind a space in both languages: numbers and units stay words of their own. */
const NAMES = {
  en: { d: "d", h: "h", m: "m", s: "s", ms: "ms" },
  ja: { d: "日", h: "時間", m: "分", s: "秒", ms: "ミリ秒" },
} as const;

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["m", 60_000],
] as const;

/** `412 ms`, `3.2 s`, `4 m 10 s`, `2 d 3 h`. */
export function duration(ms: number): string {
  const names = NAMES[language.value];
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ${names.ms}`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} ${names.s}`;
  const at = UNITS.findIndex(([, length]) => ms >= length);
  const [name, length] = UNITS[at] ?? UNITS[2];
  const [lower, below] = UNITS[at + 1] ?? (["s", 1_000] as const);
  const rest = Math.floor((ms % length) / below);
  return `${Math.floor(ms / length)} ${names[name]}${rest === 0 ? "" : ` ${rest} ${names[lower]}`}`;
}

/** From one time to another, or to now. */
export function between(from: string, to: string | null): number {
  return (to === null ? Date.now() : Date.parse(to)) - Date.parse(from);
}

const MOMENT = {
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
} as const;
// Making one takes longer than all that a row needs besides.
const moments = {
  en: new Intl.DateTimeFormat("en-GB", MOMENT),
  ja: new Intl.DateTimeFormat("ja-JP", MOMENT),
};

/** A moment in the reader's own zone, to the second. */
export function moment(time: string): string {
  return moments[language.value].format(new Date(time));
}

/** The time of day alone, to the millisecond: where order matters, the day hardly does. */
export function clock(time: string): string {
  const date = new Date(time);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) =>
    String(part).padStart(2, "0"),
  );
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** `1,234`, `12.3 k`, `1.2 M`. */
export function count(value: number): string {
  if (value < 10_000) return new Intl.NumberFormat("en").format(value);
  return new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

/** `12 B`, `3.4 KB`, `1.2 GB`. */
export function bytes(value: number): string {
  const units = ["B", "KB", "MB", "GB", "TB"];
  const at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log(Math.max(1, value)) / Math.log(1024))));
  return `${(value / 1024 ** at).toFixed(at === 0 ? 0 : 1)} ${units[at]}`;
}
