import type { ComponentChildren } from "preact";

import { DEFINITIONS } from "../../data/definitions-path.ts";
import type {
  DefinitionList,
  Overview as Numbers,
  ParkedGroupList,
  Pipeline,
  RetryingGroupList,
} from "../../data/shapes.ts";
import { mayForAll } from "../../data/session.ts";
import { useCall } from "../../data/use-call.ts";
import { count, duration, moment } from "../../parts/format.ts";
import { Empty, Loaded } from "../../parts/states.tsx";
import { Lasting } from "../../parts/time.tsx";
import { DefinitionBars } from "./definition-bars.tsx";
import { Errors } from "./errors.tsx";
import { Spark } from "./spark.tsx";
import { t } from "./text.ts";
import { Way } from "./way.tsx";

/** How everything stands, each number a link to what it counts. */
export function Overview() {
  const numbers = useCall<Numbers>("/v1/overview", { concerns: () => true, everyMs: 5_000 });
  const parked = useCall<ParkedGroupList>("/v1/parked", { concerns: ({ status }) => status !== null, everyMs: 10_000 });
  const retrying = useCall<RetryingGroupList>("/v1/retrying", { everyMs: 5_000 });
  // Of no single definition: a key for some definitions may not read it.
  const seesAll = mayForAll("viewer");
  const pipeline = useCall<Pipeline>(seesAll ? "/v1/pipeline" : undefined, { everyMs: 5_000 });
  return (
    <div class="stack">
      <div class="page-head">
        <h1>{t("title")}</h1>
      </div>
      <Loaded called={numbers}>
        {(data) => (
          <>
            <Tiles numbers={data} />
            <div class="halves">
              <Hour numbers={data} />
              {seesAll ? (
                <div class="sheet">
                  <h2>{t("way")}</h2>
                  <Loaded called={pipeline}>{(found) => <Way pipeline={found} />}</Loaded>
                </div>
              ) : null}
            </div>
            <div class="halves">
              <div class="sheet">
                <h2>{t("definitions")}</h2>
                {data.definitions.length === 0 ? (
                  <Nothing />
                ) : (
                  <DefinitionBars rows={data.definitions} since={data.minutes[0]?.at} />
                )}
              </div>
              <div class="sheet">
                <h2>{t("errors")}</h2>
                <Loaded called={parked}>
                  {({ items }) => (
                    <Errors groups={items} none={t("noErrors")} hrefOf={({ groupId }) => `/parked?group=${groupId}`} />
                  )}
                </Loaded>
                <h2>{t("retryingErrors")}</h2>
                <Loaded called={retrying}>
                  {({ items }) => (
                    <Errors
                      groups={items}
                      none={t("noRetrying")}
                      hrefOf={({ groupId }) => `/sagas?retryingGroup=${groupId}`}
                    />
                  )}
                </Loaded>
              </div>
            </div>
          </>
        )}
      </Loaded>
    </div>
  );
}

function Tiles({ numbers }: { readonly numbers: Numbers }) {
  const { startedPerSecond, completedPerSecond, p50Ms, p95Ms, running, compensating, retrying, parked, oldest } =
    numbers;
  // What is told as a rate was counted in the last whole minute.
  const [from, to] = [numbers.minutes.at(-2)?.at ?? "", numbers.minutes.at(-1)?.at ?? ""];
  const p95 = p95Ms === null ? t("newest") : t("p95", { time: duration(p95Ms) });
  return (
    <ul class="tiles">
      <Tile text={t("started")} note={t("lastMinute")} href={`/sagas?startedAfter=${from}&startedBefore=${to}`}>
        {rate(startedPerSecond)}
      </Tile>
      <Tile
        text={t("completed")}
        note={t("lastMinute")}
        href={`/sagas?status=completed&endedAfter=${from}&endedBefore=${to}`}
      >
        {rate(completedPerSecond)}
      </Tile>
      <Tile text={t("lasting")} note={p95} href="/sagas?status=completed,failed,cancelled,terminated">
        {p50Ms === null ? "–" : duration(p50Ms)}
      </Tile>
      <Tile text={t("running")} href="/sagas?status=running">
        {count(running)}
      </Tile>
      <Tile text={t("compensating")} href="/sagas?status=compensating">
        {count(compensating)}
      </Tile>
      <Tile text={t("retrying")} href="/sagas?retrying=true">
        {count(retrying)}
      </Tile>
      <Tile text={t("parked")} href="/parked" alert={parked > 0}>
        {count(parked)}
      </Tile>
      <Tile text={t("oldest")} href={oldest === null ? "/sagas" : `/sagas/${oldest.sagaId}`}>
        {oldest === null ? (
          t("none")
        ) : (
          <time dateTime={oldest.startedAt} title={moment(oldest.startedAt)}>
            <Lasting from={oldest.startedAt} to={null} />
          </time>
        )}
      </Tile>
    </ul>
  );
}

/** Below one a second a rate says little: then it is told by the minute. */
function rate(perSecond: number): string {
  if (perSecond < 1) return t("ratePerMinute", { count: Math.round(perSecond * 60) });
  return t("ratePerSecond", { count: perSecond.toFixed(perSecond < 10 ? 1 : 0) });
}

interface TileProps {
  readonly text: string;
  readonly note?: string;
  readonly href: string;
  readonly alert?: boolean;
  readonly children: ComponentChildren;
}

function Tile({ text, note, href, alert = false, children }: TileProps) {
  return (
    <li>
      <a class={`tile${alert ? " tone-stop" : ""}`} href={href}>
        <span class="what">
          {alert ? <span aria-hidden="true">‖ </span> : null}
          {text}
        </span>
        <b class="number">{children}</b>
        {note === undefined ? null : <small>{note}</small>}
      </a>
    </li>
  );
}

function Hour({ numbers: { minutes } }: { readonly numbers: Numbers }) {
  const sum = (of: "started" | "completed" | "ended") => minutes.reduce((all, minute) => all + minute[of], 0);
  const text = t("hourText", {
    started: count(sum("started")),
    completed: count(sum("completed")),
    ended: count(sum("ended")),
  });
  const since = minutes[0]?.at ?? "";
  const links = [
    [`/sagas?startedAfter=${since}`, t("startedSum", { count: count(sum("started")) })],
    [`/sagas?status=completed&endedAfter=${since}`, t("completedSum", { count: count(sum("completed")) })],
    [`/sagas?status=failed,cancelled,terminated&endedAfter=${since}`, t("endedSum", { count: count(sum("ended")) })],
  ] as const;
  return (
    <div class="sheet">
      <h2>{t("hour")}</h2>
      <p class="sums">
        {links.map(([href, said]) => (
          <a key={href} href={href}>
            {said}
          </a>
        ))}
      </p>
      <Spark minutes={minutes} label={`${t("perMinute")}: ${text}`} />
    </div>
  );
}

/** How one of the definitions that there are is started. */
function Nothing() {
  const { data } = useCall<DefinitionList>(DEFINITIONS);
  const first = data?.items.find(({ retired }) => retired === null);
  return (
    <Empty title={t("noDefinitions")}>
      {first === undefined ? (
        <a href="/definitions">{t("definitions")}</a>
      ) : (
        <>
          <p>{t("noDefinitionsText")}</p>
          <code>bun run ekiden start {first.name} --input input.json</code>
          <a href={`/definitions/${first.name}?view=simulate`}>{t("noDefinitionsInput", { name: first.name })}</a>
        </>
      )}
    </Empty>
  );
}
