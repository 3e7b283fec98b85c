import { quoted } from "../../parts/copy.tsx";
import { t } from "./text.ts";

/** The four ways of saying where to. */
export const WAYS = ["firstError", "time", "message", "offset"] as const;

/** What somebody has filled in. */
export interface Wish {
  readonly way: (typeof WAYS)[number];
  readonly time: string;
  readonly message: string;
  readonly offset: string;
  readonly skip: boolean;
  readonly topic: string;
  readonly partition: string;
}

export const NO_WISH: Wish = {
  way: "firstError",
  time: "",
  message: "",
  offset: "",
  skip: false,
  topic: "",
  partition: "",
};

/** Where to, as the API takes it; a text: what is missing. */
export function targetOf(wish: Wish): Readonly<Record<string, string | number | boolean>> | string {
  const { way, topic, partition, skip } = wish;
  const narrowed = {
    ...(topic === "" ? {} : { topic }),
    ...(topic === "" || partition === "" ? {} : { partition: Number(partition) }),
  };
  if (way === "firstError") return { firstError: true, ...narrowed };
  if (way === "time") {
    const at = Date.parse(wish.time);
    return Number.isNaN(at) ? t("badTime") : { timestamp: new Date(at).toISOString(), ...narrowed };
  }
  if (way === "message") {
    const messageId = wish.message.trim().toUpperCase();
    return /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(messageId) ? { messageId, ...narrowed } : t("badMessage");
  }
  const whole = /^\d+$/.test(wish.offset);
  if (topic === "" || partition === "" || !whole) return t("badOffset");
  return { topic, partition: Number(partition), offset: Number(wish.offset), ...(skip ? { skip } : {}) };
}

const OPTIONS: Readonly<Record<string, string>> = {
  firstError: "--first-error",
  messageId: "--message",
  skip: "--skip",
  leaveExpired: "--leave-expired",
};

/** The same as options of `ekiden rewind`. */
export function optionsOf(target: Readonly<Record<string, string | number | boolean>>): string {
  return Object.entries(target)
    .map(([name, value]) => {
      const option = OPTIONS[name] ?? `--${name}`;
      return value === true ? option : `${option} ${quoted(String(value))}`;
    })
    .join(" ");
}
