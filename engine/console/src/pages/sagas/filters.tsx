import { useState } from "preact/hooks";

import { DEFINITIONS } from "../../data/definitions-path.ts";
import type { DefinitionList, Graph, SagaStatus } from "../../data/shapes.ts";
import { useCall } from "../../data/use-call.ts";
import { Chip, Taken } from "../../parts/chips.tsx";
import { moment } from "../../parts/format.ts";
import { lookOf, statusText } from "../../parts/status.tsx";
import { useQuery } from "../../shell/place.ts";
import { t } from "./text.ts";

const STATUSES: readonly SagaStatus[] = [
  "running",
  "compensating",
  "parked",
  "completed",
  "failed",
  "cancelled",
  "terminated",
];
const SPANS = [
  ["hour", 3_600_000],
  ["day", 86_400_000],
  ["week", 604_800_000],
] as const;

/** What the list is narrowed by; all of it stands in the address. */
export function Filters() {
  const [query, change] = useQuery();
  const chosen = (query.get("status") ?? "").split(",").filter((one) => one !== "");
  const toggle = (status: string, on: boolean) => {
    const next = on ? [...chosen, status] : chosen.filter((one) => one !== status);
    change({ status: next.join(","), cursor: null });
  };
  return (
    <div class="chips">
      {STATUSES.map((status) => (
        <Chip
          key={status}
          on={chosen.includes(status)}
          icon={lookOf(status).icon}
          text={statusText(status)}
          onChange={(on) => toggle(status, on)}
        />
      ))}
      <DefinitionChoice />
      <StepChoice />
      {SPANS.map(([span]) => (
        <Chip
          key={span}
          on={query.get("within") === span}
          text={t(span)}
          onChange={(on) => change({ ...NO_TIME, within: on ? span : null })}
        />
      ))}
      <OwnTimes />
      <LabelField />
      <OtherFilters />
    </div>
  );
}

const NO_TIME = { within: null, startedAfter: null, startedBefore: null, cursor: null };

/** Times of one's own, in the reader's zone; the address has them as the API does. */
function OwnTimes() {
  const [query, change] = useQuery();
  const fields = [
    ["startedAfter", t("from")],
    ["startedBefore", t("to")],
  ] as const;
  return fields.map(([name, label]) => (
    <label key={name} class="inline">
      <span class="soft">{label}</span>
      <input
        type="datetime-local"
        value={localOf(query.get(name))}
        onChange={(event) => {
          const { value } = event.currentTarget;
          change({ within: null, [name]: value === "" ? null : new Date(value).toISOString(), cursor: null });
        }}
      />
    </label>
  ));
}

/** As the field writes a time; nothing, or what is none: an empty field. */
function localOf(time: string | null): string {
  const at = time === null ? Number.NaN : Date.parse(time);
  if (Number.isNaN(at)) return "";
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

function DefinitionChoice() {
  const [query, change] = useQuery();
  const { data } = useCall<DefinitionList>(DEFINITIONS);
  const chosen = query.get("definition") ?? "";
  const names = new Set([...(data?.items.map(({ name }) => name) ?? []), ...(chosen === "" ? [] : [chosen])]);
  return (
    <select
      aria-label={t("definition")}
      value={chosen}
      onChange={(event) => change({ definition: event.currentTarget.value, step: null, cursor: null })}
    >
      <option value="">{t("anyDefinition")}</option>
      {[...names].map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  );
}

/** Steps of the chosen definition, as it is now; without a definition a step can only be taken away. */
function StepChoice() {
  const [query, change] = useQuery();
  const chosen = query.get("step") ?? "";
  const name = query.get("definition");
  const { data } = useCall<DefinitionList>(DEFINITIONS);
  const revision = data?.items.find((item) => item.name === name)?.revision;
  const graph = useCall<Graph>(
    revision === undefined ? undefined : `/v1/definitions/${name}/revisions/${revision}/graph`,
  );
  const paths = (graph.data?.boxes ?? []).flatMap(({ path, kind }) => (path === null || kind === "undo" ? [] : [path]));
  const all = new Set([...paths, ...(chosen === "" ? [] : [chosen])]);
  if (all.size === 0) return null;
  return (
    <select
      aria-label={t("step")}
      value={chosen}
      onChange={(event) => change({ step: event.currentTarget.value, cursor: null })}
    >
      <option value="">{t("anyStep")}</option>
      {[...all].map((path) => (
        <option key={path} value={path}>
          {path}
        </option>
      ))}
    </select>
  );
}

function LabelField() {
  const [, change] = useQuery();
  const [text, setText] = useState("");
  const [, name, value] = /^([a-z][a-z0-9_]{0,47})=(.+)$/.exec(text.trim()) ?? [];
  return (
    <form
      class="inline"
      onSubmit={(event) => {
        event.preventDefault();
        if (name === undefined || value === undefined) return;
        change({ [`label.${name}`]: value, cursor: null });
        setText("");
      }}
    >
      <input
        aria-label={t("label")}
        placeholder={t("label")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      {text === "" ? null : (
        <button
          type="submit"
          class="button"
          disabled={name === undefined}
          title={name === undefined ? t("labelFault") : undefined}
        >
          {t("add")}
        </button>
      )}
    </form>
  );
}

const OTHERS = new Set([
  "key",
  "parent",
  "startedAfter",
  "startedBefore",
  "endedAfter",
  "endedBefore",
  "revision",
  "retrying",
  "retryingGroup",
]);

function textOf(name: string, value: string): string {
  if (name === "startedAfter" || name === "startedBefore")
    return `${t(name === "startedAfter" ? "from" : "to")} ${Number.isNaN(Date.parse(value)) ? value : moment(value)}`;
  if (name === "parent") return t("children", { id: value });
  if (name === "revision") return t("onRevision", { hash: value.slice(0, 8) });
  if (name === "retryingGroup") return t("retryingAlike");
  return name === "retrying" ? t("retrying") : `${name.replace("label.", "")}=${value}`;
}

/** Filters that have no chip of their own, each with a way to take it away. */
function OtherFilters() {
  const [query, change] = useQuery();
  return [...query]
    .filter(([name]) => name.startsWith("label.") || OTHERS.has(name))
    .map(([name, value]) => {
      const text = textOf(name, value);
      return (
        <Taken
          key={name}
          text={text}
          label={t("remove", { text })}
          onRemove={() => change({ [name]: null, cursor: null })}
        />
      );
    });
}

/** The address's filters as the API takes them. A span is counted from `now`, so that a page stays what it is. */
export function apiQuery(query: URLSearchParams, now: number): URLSearchParams {
  const asked = new URLSearchParams();
  for (const [name, value] of query) {
    // What is shown beside the list narrows nothing.
    if (name === "redrive") continue;
    if (name === "within") {
      const length = SPANS.find(([span]) => span === value)?.[1];
      if (length !== undefined) asked.set("startedAfter", new Date(now - length).toISOString());
    } else asked.set(name, value);
  }
  return asked;
}
