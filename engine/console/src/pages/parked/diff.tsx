import { Scroll } from "../../parts/scroll.tsx";
import { diffOf } from "./line-diff.ts";
import { t } from "./text.ts";

const SIGNS = { same: " ", gone: "-", come: "+" } as const;

/** The difference of two texts; each line begins with its sign. */
export function DiffView({ before, after }: { readonly before: string; readonly after: string }) {
  if (before === after) return null;
  return (
    <Scroll class="diff" label={`${t("before")} → ${t("after")}`}>
      <pre>
        {diffOf(before, after).map(({ kind, text }, index) => (
          // Lines repeat: the place tells them apart.
          <span key={`${index} ${kind}`} class={kind}>
            {`${SIGNS[kind]} ${text}\n`}
          </span>
        ))}
      </pre>
    </Scroll>
  );
}
