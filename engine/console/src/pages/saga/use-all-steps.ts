import { useEffect, useMemo, useState } from "preact/hooks";

import { call } from "../../data/call.ts";
import type { Saga, SagaStep, StepList } from "../../data/shapes.ts";

const PAGE = 200;
/** A definition has at most about so many steps; an `each` over more items is told by the newest. */
const PAGES_MAX = 5;
/** Steps that ended long ago hardly change. */
const AGAIN_MS = 10_000;

/** Steps for the picture of a saga; `whole`: there are no others. */
interface AllSteps {
  readonly steps: readonly SagaStep[];
  readonly whole: boolean;
}

/** Where a saga shows its newest steps only, the others as well, up to a thousand by their paths, once they are `wanted`. */
export function useAllSteps({ sagaId, steps, moreSteps, status, finishedAt }: Saga, wanted: boolean): AllSteps {
  const [others, setOthers] = useState<readonly SagaStep[]>([]);
  const [round, again] = useState(0);
  useEffect(() => {
    if (moreSteps !== true || !wanted) return;
    const ending = new AbortController();
    readAll(sagaId, ending.signal).then(setOthers, () => undefined);
    if (finishedAt !== null) return () => ending.abort();
    const timer = setTimeout(() => again((count) => count + 1), AGAIN_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [sagaId, moreSteps, status, round, wanted]);
  const all = useMemo(() => withOthers(steps, others), [steps, others]);
  return { steps: all, whole: moreSteps !== true || (others.length > 0 && others.length < PAGES_MAX * PAGE) };
}

function withOthers(steps: readonly SagaStep[], others: readonly SagaStep[]): readonly SagaStep[] {
  if (others.length === 0) return steps;
  const newest = new Set(steps.map(({ path }) => path));
  const older = others.filter(({ path }) => !newest.has(path));
  return [...older.toSorted((a, b) => (a.startedAt ?? "").localeCompare(b.startedAt ?? "")), ...steps];
}

/** The first of them; all, when they are not too many. */
async function readAll(sagaId: string, signal: AbortSignal): Promise<readonly SagaStep[]> {
  const found: SagaStep[] = [];
  let where = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const { items, nextCursor } = await call<StepList>(`/v1/sagas/${sagaId}/steps?limit=${PAGE}${where}`, { signal });
    found.push(...items);
    if (nextCursor === null) return found;
    where = `&cursor=${encodeURIComponent(nextCursor)}`;
  }
  return found;
}
