import { expect, test } from "bun:test";

import type { Message, Saga, SagaStep } from "../../engine/console/src/data/shapes.ts";
import { apartMs } from "../../engine/console/src/data/pace.ts";
import { diffOf } from "../../engine/console/src/pages/parked/line-diff.ts";
import { aheadOf, attemptsText } from "../../engine/console/src/pages/saga/ahead.ts";
import { linksOf } from "../../engine/console/src/pages/saga/cause-links.ts";
import { whatAt, widthOf } from "../../engine/console/src/pages/saga/graph-lines.ts";
import { isUndoing, pairsByPlace, placesOf, undoablesOf } from "../../engine/console/src/pages/saga/places.ts";
import { barOf, scaleOf } from "../../engine/console/src/pages/saga/scale.ts";
import { follow, hold, waitingBehind } from "../../engine/console/src/pages/sagas/held.ts";
import { wireHeaders } from "../../engine/console/src/parts/wire-headers.ts";
import { csvOf } from "../../engine/console/src/pages/sagas/csv.ts";

const AT = Date.parse("2026-11-26T09:00:00Z");

function step(path: string, status: string, attempts = 1): SagaStep {
  return { path, status, attempts, startedAt: null, finishedAt: null };
}

function message(
  requested: number,
  hops: readonly [recorded: number, received: number, started: number, consumed: number],
) {
  const [recordedAt, receivedAt, startedAt, consumedAt] = hops.map((ms) => new Date(AT + ms).toISOString());
  const consumption = { group: "dispatcher", recordedAt, receivedAt, startedAt, consumedAt };
  return {
    topic: "timeline",
    requestedAt: new Date(AT + requested).toISOString(),
    consumptions: [consumption],
  } as unknown as Message;
}

test("of an each, the item that waits for a person says how the step stands", () => {
  const places = placesOf([step("ship[0]", "succeeded"), step("ship[1]", "parked"), step("ship[2]", "running")]);

  expect(places.get("ship[]")).toEqual({ status: "parked", attempts: 1, items: 3, backward: false, path: "ship[1]" });
});

test("a step and its compensation are a pair: undone, failed, left, or nothing to undo", () => {
  const saga = {
    status: "parked",
    uncompensated: [{ step: "mail", reason: "optional" }],
    steps: [
      { ...step("apply", "parked"), finishedAt: new Date(AT).toISOString() },
      step("mail", "succeeded"),
      step("screen", "compensated"),
      step("contract", "rejected"),
      { ...step("seal", "parked"), finishedAt: null },
    ],
  } as unknown as Saga;
  const boxes = ["apply", "mail", "screen", "contract", "seal"].map((path) => ({ kind: "undo", path }));

  expect(undoablesOf(saga, boxes as never).map(({ pair }) => pair)).toEqual([
    "failed",
    "kept",
    "compensated",
    "nothing",
    "nothing",
  ]);
  // The first that cannot be undone shows as well: nothing has been undone before it.
  const first = { status: "parked", steps: saga.steps.slice(0, 1) } as unknown as Saga;
  expect([isUndoing(first), placesOf(first.steps).get("apply")?.backward]).toEqual([true, true]);
  expect(isUndoing({ status: "parked", steps: saga.steps.slice(4) } as unknown as Saga)).toBe(false);
});

test("of an each, the compensation that needs most says how the pair stands", () => {
  const undoables = ["nothing", "compensated", "failed", "done"].map((pair, item) => ({
    step: step(`a[${item}]`, ""),
    pair,
  }));
  const later = { step: step("b", ""), pair: "kept" };

  expect([...pairsByPlace([...undoables, later] as never)]).toEqual([
    ["a[]", "failed"],
    ["b", "kept"],
  ]);
});

const BOXES = [
  { kind: "start", path: null },
  { kind: "command", path: "apply", attempts: 5 },
  { kind: "command", path: "apply/catch/rejected/note", attempts: 3 },
  { kind: "if", path: null },
  { kind: "command", path: "score", attempts: null },
  { kind: "each", path: "ship", attempts: null },
  { kind: "undo", path: "ship[]/pack", attempts: null },
  { kind: "command", path: "ship[]/pack", attempts: 2 },
  { kind: "join", path: null },
  { kind: "command", path: "contract", attempts: 1 },
  { kind: "command", path: "contract/catch/any/note", attempts: 1 },
  { kind: "completed", path: null },
] as never;

test("steps that are not reached are those behind the last that is, without what only a failure leads to", () => {
  expect(aheadOf(BOXES, [])).toEqual(["apply", "score", "ship[]/pack", "contract"]);
  expect(aheadOf(BOXES, [step("apply", "succeeded")])).toEqual(["score", "ship[]/pack", "contract"]);
  // The condition before `score` said no; of the block that it is in nothing is foretold.
  expect(aheadOf(BOXES, [step("apply", "succeeded"), step("ship", "running")])).toEqual(["contract"]);
  expect(aheadOf(BOXES, [step("contract", "succeeded")])).toEqual([]);
  // A step at which it failed, and which leaves no row: a `fail` in a block.
  expect(aheadOf(BOXES, [step("apply", "compensated")], "ship[0]/refuse")).toEqual(["contract"]);
});

test("attempts are told as of how many, as long as the definition's policy says it", () => {
  const texts = [
    step("apply", "retrying", 3),
    step("apply", "running", 1),
    step("apply", "retrying", 1),
    step("ship[7]/pack", "parked", 2),
    step("apply", "retrying", 7),
    step("score", "retrying", 3),
    step("apply", "compensating", 2),
    { ...step("apply", "parked", 2), finishedAt: new Date(AT).toISOString() },
  ].map((one) => attemptsText(one, BOXES));

  expect(texts).toEqual(["3/5", undefined, "1/5", "2/2", "×7", "×3", "×2", "×2"]);
});

test("a message is linked to what led to it, up to the first, and to what came of it", () => {
  const consumed = [{ group: "dispatcher" }];
  const messages = [
    { messageId: "A", causationId: null, consumptions: consumed },
    { messageId: "B", causationId: "A", consumptions: consumed },
    { messageId: "C", causationId: "B", consumptions: [] },
    { messageId: "D", causationId: "B", consumptions: [] },
    { messageId: "E", causationId: "elsewhere", consumptions: consumed },
  ] as unknown as Message[];
  const links = (id: string) => linksOf(messages, id).map(({ from, to, kind }) => `${from}${to} ${kind}`);

  expect([links("A"), links("B"), links("C"), links("E"), linksOf(messages, undefined)]).toEqual([
    ["AA own", "AB effect"],
    ["AB cause", "AA before", "BB own", "BC effect", "BD effect"],
    ["BC cause", "BB before", "AB before", "AA before"],
    ["EE own"],
    [],
  ]);
});

test("a bar is split by hops, none of which goes back when clocks differ", () => {
  const { hops } = barOf(message(0, [10, 8, 30, 35]), AT);

  expect(hops.map(({ hop, from, to }) => [hop, from - AT, to - AT])).toEqual([
    ["toTransport", 0, 10],
    ["inTransport", 10, 10],
    ["inQueue", 10, 30],
    ["running", 30, 35],
  ]);
});

test("idle time over two seconds is folded, and order is kept", () => {
  const bars = [message(0, [1, 2, 3, 100]), message(3_600_000, [3_600_001, 3_600_002, 3_600_003, 3_600_100])].map(
    (one) => barOf(one, AT),
  );
  const scale = scaleOf(bars);

  expect(scale.folds.map(({ ms }) => ms)).toEqual([3_599_900]);
  expect([scale.at(AT), scale.at(AT + 3_600_100)].map((at) => Number(at.toFixed(6)))).toEqual([0, 1]);
  expect(scale.at(AT + 100)).toBeCloseTo(0.485);
  expect(scale.at(AT + 3_600_000)).toBeCloseTo(0.515);
});

test("a difference keeps the lines that stayed", () => {
  expect(
    diffOf("{\n  a: 1,\n  b: 2\n}", "{\n  a: 3,\n  b: 2,\n  c: 1\n}").map(({ kind, text }) => `${kind} ${text}`),
  ).toEqual(["same {", "gone   a: 1,", "gone   b: 2", "come   a: 3,", "come   b: 2,", "come   c: 1", "same }"]);
});

test("rows are held in their places: they change or go, and what is new is counted, read or told", () => {
  const row = (sagaId: string, status = "running") => ({ sagaId, status }) as unknown as Saga;
  const at = hold({ items: [row("5"), row("4"), row("3"), row("2")], nextCursor: "next" });
  // 6 and 7 began; 4 is left out by a filter, 2 was pushed off the page.
  const now = { items: [row("7"), row("6"), row("5", "completed"), row("3")], nextCursor: "other" };
  const held = follow(at, now);

  expect(held.rows.map(({ sagaId, status }) => `${sagaId} ${status}`)).toEqual([
    "5 completed",
    "3 running",
    "2 running",
  ]);
  expect([held.nextCursor, waitingBehind(held, now, new Set(["7", "8", "4"]))]).toEqual(["next", 3]);
});

test("a text that a spreadsheet would run stays a text", () => {
  const steps = [step("apply", "succeeded"), step("charge", "parked", 3)];
  const saga = { sagaId: "X", key: '=cmd|"a",b', steps, error: { code: "over_limit" } } as unknown as Saga;
  const [, row] = csvOf([saga]).split("\r\n");

  expect(row).toBe('X,,,,"\'=cmd|""a"",b",,,,charge,3,over_limit');
});

test("headers are shown by the names under which they travel, those that a message lacks left out", () => {
  const given = { headers: { supersedes: "01X" } };
  const sent = {
    messageId: "A",
    sagaId: "S",
    causationId: "B",
    type: "step.requested",
    stepKey: "S/charge",
    attempt: 2,
  };
  const none = { producer: null, saga: null, action: null, traceparent: null };

  expect(wireHeaders({ ...sent, ...none, ...given } as unknown as Message)).toEqual({
    id: "A",
    correlation_id: "S",
    causation_id: "B",
    type: "step.requested",
    step_key: "S/charge",
    attempt: 2,
    ...given,
  });
});

test("a step that has no name of its own is told by what it does, not by its deadline", () => {
  const says = (...lines: [text: string, word?: string][]) => {
    const words = lines.map(([, word]) => (word === undefined ? null : { word, what: "" }));
    return lines[whatAt({ lines: lines.map(([text]) => text), words: words as never })]?.[0];
  };

  expect([
    says(["shop.charge"]),
    says(["charge"], ["shop.charge"], ["deadline 5m", "deadline"]),
    says(["shop.charge"], ["deadline 5m", "deadline"]),
    says(["shop.charge"], ["pivot: from here forward only", "pivot"]),
    says(["approval"], ["wait for approved", "wait"]),
  ]).toEqual(["shop.charge", "shop.charge", "shop.charge", "shop.charge", "wait for approved"]);
  expect([widthOf("no"), widthOf("いいえ")]).toEqual([14, 36]);
});

test("what is read quickly follows four times a second, what takes long takes a quarter of the time", () => {
  expect([0, 20, 90, 1_000].map(apartMs)).toEqual([250, 250, 360, 4_000]);
});
