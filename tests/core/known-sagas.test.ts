import { expect, test } from "bun:test";
import { KnownSagas } from "../../engine/dispatcher/known-sagas.ts";
import type { SagaRow } from "../../engine/timeline/saga-row.ts";

const row = (id: string, status = "running") => ({ id, status }) as SagaRow;

test("what is remembered is the newest row, until its saga has ended or is forgotten", () => {
  const known = new KnownSagas();
  known.keep(row("a"), "1");
  known.keep(row("a", "compensating"), "2");
  known.keep(row("b"), "3");
  expect([...known.of(["a", "b", "c"])]).toMatchObject([
    ["a", { row: row("a", "compensating"), xid: "2" }],
    ["b", { row: row("b"), xid: "3" }],
  ]);
  known.keep(row("a", "failed"), "4");
  known.forget("b");
  expect(known.of(["a", "b"]).size).toBe(0);
});

test("of more sagas than are remembered, those that moved longest ago go", () => {
  const known = new KnownSagas();
  const [bound] = known.bounds;
  const limit = bound?.limit ?? 0;
  for (let n = 0; n < limit; n += 1) known.keep(row(`${n}`), "1");
  known.keep(row("0"), "2");
  known.keep(row("one more"), "3");

  expect(bound?.now()).toBe(limit);
  expect(bound?.hits()).toBe(1);
  expect([...known.of(["0", "1", "2", "one more"]).keys()]).toEqual(["0", "2", "one more"]);
});

test("of large sagas fewer are remembered, and what is forgotten counts no more", () => {
  const known = new KnownSagas();
  const bytes = known.bounds[1];
  const large = (id: string) => ({
    ...row(id),
    input: { text: "x".repeat(1_000_000) },
    state: { vars: { n: [1, 2] } },
  });
  for (let n = 0; n < 40; n += 1) known.keep(large(`${n}`) as unknown as SagaRow, "1");

  expect(known.of(Array.from({ length: 40 }, (_, n) => `${n}`)).size).toBe(33);
  expect(bytes?.now()).toBeLessThanOrEqual(bytes?.limit ?? 0);
  for (let n = 0; n < 40; n += 1) known.keep({ ...row(`${n}`), status: "failed" } as SagaRow, "2");
  expect(bytes?.now()).toBe(0);
});
