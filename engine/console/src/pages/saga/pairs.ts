import type { Pair } from "./places.ts";
import { t } from "./text.ts";

const LOOKS = {
  done: { icon: "✓", tone: "good", text: () => t("pairDone") },
  compensated: { icon: "⟲", tone: "back", text: () => t("pairCompensated") },
  busy: { icon: "⟲", tone: "busy", text: () => t("pairBusy") },
  failed: { icon: "✕", tone: "bad", text: () => t("pairFailed") },
  nothing: { icon: "–", tone: "calm", text: () => t("pairNothing") },
  kept: { icon: "–", tone: "stop", text: () => t("pairKept") },
} as const;

/** How a pair looks, in the list and in the picture alike. The word stands beside it, or is its title. */
export function lookOfPair(pair: Pair) {
  return LOOKS[pair];
}
