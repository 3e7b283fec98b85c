import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../architecture/project-files.ts";
import { blocksOf } from "../docs/markdown.ts";
import { type CliProcess, cliProcess } from "../support/cli-process.ts";
import { effects, inTheBook, ledgerEntries, ofCompletedSagas } from "../support/onboarding-effects.ts";
import { outcomes, outcomesOf, type Result } from "../support/onboarding-outcomes.ts";
import { eventually, type TestEngine, testEngine, TRANSPORTS } from "../support/engine.ts";
import { expectVerified } from "../support/verified.ts";

const FILE = "domains/data/applications.ndjson";
const APPLICATIONS = 1_000;
const KILLED_AFTER = 250;
/** The reviewer's word, as the README has it. */
const APPROVED = '{"decision":"approve","reviewer":"R. Sato"}';
/** Of one test; generous, since the machine may be busy with other things. */
const PHASE_MS = 600_000;

const readmes = await Promise.all(["README.md", "README.ja.md"].map((name) => Bun.file(join(root, name)).text()));
const promised = outcomesOf(readmes[0] ?? "");

test("both READMEs promise the same outcomes, of a thousand applications", () => {
  expect(outcomesOf(readmes[1] ?? "")).toEqual(promised);
  for (const { completed, failed, waiting } of [promised.before, promised.after])
    expect(completed + failed + waiting).toBe(APPLICATIONS);
});

test("a README without the table is found", () => {
  expect(() => outcomesOf("# Ekiden\n")).toThrow("found 0");
});

describe.each([...TRANSPORTS])("a thousand applications on the %s transport", (kind) => {
  let lab: TestEngine;
  let bin: string;
  const running: CliProcess[] = [];
  const ekiden = (args: readonly string[], input = "") => {
    const child = cliProcess(args, lab.url, input);
    running.push(child);
    return child;
  };

  beforeAll(async () => {
    bin = await mkdtemp(join(tmpdir(), "ekiden-bin-"));
    await symlink(process.execPath, join(bin, "bun"));
    lab = await testEngine(kind, { domains: join(root, "domains") });
  }, 240_000);
  afterAll(async () => {
    for (const child of running) child.kill("SIGKILL");
    await lab?.close();
    await rm(bin, { recursive: true, force: true });
  }, 60_000);

  test(
    "the command is killed in the middle and run again: each is started exactly once",
    async () => {
      const first = ekiden(["start", "onboarding", "--from", FILE, "--json"]);
      await eventually("some are started", async () => first.lines().length >= KILLED_AFTER, PHASE_MS);
      first.kill("SIGKILL");
      await first.ended;
      // A call may still have been under way: what counts is that the second run knows all of them.
      const reported = first.lines().map((line) => JSON.parse(line) as Result);
      const again = await completed(ekiden(["start", "onboarding", "--from", FILE, "--json"]));

      expect(reported.length).toBeLessThan(APPLICATIONS);
      const idOf = new Map(again.map(({ line, sagaId }) => [line, sagaId]));
      expect(reported.filter(({ line, sagaId }) => idOf.get(line) !== sagaId)).toEqual([]);
      expect(again.filter(({ result }) => result === "known").length).toBeGreaterThanOrEqual(reported.length);
      expect(again.filter(({ result }) => result === "started").length).toBeGreaterThan(0);
      expect(new Set(idOf.values()).size).toBe(APPLICATIONS);
      expect(await lab.sql`select count(*)::int as sagas, count(distinct key)::int as keys from timeline.saga`).toEqual(
        [{ sagas: APPLICATIONS, keys: APPLICATIONS }] as never,
      );
    },
    PHASE_MS,
  );

  test(
    "each ends completed, failed or waiting for its reviewer, as the README says",
    async () => {
      const settled = await completed(
        ekiden(["start", "onboarding", "--from", FILE, "--json", "--wait", "240s", "--concurrency", "64"]),
      );

      expect(new Set(settled.map(({ result }) => result))).toEqual(new Set(["known"]));
      expect(outcomes(settled)).toEqual(promised.before);
      expect(await inTheBook(lab.sql)).toEqual(await ofCompletedSagas(lab.sql));
    },
    PHASE_MS,
  );

  test(
    "the reviewer's signals settle the rest, by the README's own commands, once",
    async () => {
      const waiting = await idsWaiting(ekiden);
      await run(reviewBlock(), lab.url, bin);

      expect(outcomes(await listed(ekiden(["list", "--all", "--json"])))).toEqual(promised.after);
      expect(waiting.length).toBe(promised.before.waiting);
      expect(await idsWaiting(ekiden)).toEqual([]);
      // Once more: what it has signalled is known, what was signalled otherwise has ended, and nothing moves.
      const again = ekiden(["signal", "-", "screening_reviewed", "--payload", APPROVED, "--json"], waiting.join("\n"));
      expect(await again.ended).toBe(1);
      const results = again.lines().map((line) => (JSON.parse(line) as Result).result);
      expect(
        Object.fromEntries(
          Map.groupBy(results, (it) => it)
            .entries()
            .map(([it, all]) => [it, all.length]),
        ),
      ).toEqual({
        known: promised.after.completed - promised.before.completed,
        refused: promised.after.failed - promised.before.failed,
      });
      expect(await lab.sql`select count(*)::int as sagas from timeline.saga_open`).toEqual([{ sagas: 0 }] as never);
    },
    PHASE_MS,
  );

  test("every step took effect once, what failed is undone, and the book holds the contracts concluded", async () => {
    const { after } = promised;
    const completedRows = { registered: 1, screened: 1, contract: 1, booked: 1, mail: 1, entry: 1 };
    const expected = [
      { status: "completed", uncompensated: 0, rows: completedRows, sagas: after.completed },
      { status: "failed", uncompensated: 0, rows: { cancelled: 1, voided: 1 }, sagas: after.failed },
    ];

    // A notification is not waited for by its saga.
    await eventually("the ledger has all", async () => (await ledgerEntries(lab.sql)) >= after.completed, PHASE_MS);
    expect(await effects(lab.sql)).toEqual(expected);
    expect(await inTheBook(lab.sql)).toEqual(await ofCompletedSagas(lab.sql));
    expect((await inTheBook(lab.sql)).contracts).toBe(after.completed);
  });

  test("every saga is what its events make of it", async () => {
    await expectVerified(lab.url);
  }, 60_000);
});

/** The results of a run that must end well. */
async function completed(child: CliProcess): Promise<Result[]> {
  const code = await child.ended;
  if (code !== 0) throw new Error(`exit code ${code}:\n${child.errors()}`);
  return child.lines().map((line) => JSON.parse(line) as Result);
}

/** All sagas, as `list --all --json` prints them. */
async function listed(child: CliProcess): Promise<Pick<Result, "status" | "waitingFor">[]> {
  expect(await child.ended).toBe(0);
  return child.lines().map((line) => {
    const { status, waitingFor } = JSON.parse(line) as { status: string; waitingFor: { signal: string }[] | null };
    return { status, ...(waitingFor === null ? {} : { waitingFor: waitingFor.map(({ signal }) => signal) }) };
  });
}

/** The README's own commands by which a reviewer settles what waits. */
function reviewBlock(): string {
  const block = blocksOf(readmes[0] ?? "").find(
    ({ language, text }) => language === "sh" && text.includes("signal - "),
  );
  if (block === undefined) throw new Error("the README signals nobody");
  return block.text;
}

async function run(script: string, url: string, bin: string): Promise<void> {
  const child = Bun.spawn(["bash", "-euo", "pipefail", "-c", script], {
    cwd: root,
    env: { ...process.env, EKIDEN_URL: url, PATH: `${bin}:${process.env.PATH ?? ""}` },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  if (code !== 0) throw new Error(`exit code ${code} of:\n${script}\n${out}${err}`);
}

async function idsWaiting(ekiden: (args: readonly string[]) => CliProcess): Promise<readonly string[]> {
  const child = ekiden(["list", "--waiting-for", "screening_reviewed", "--ids"]);
  expect(await child.ended).toBe(0);
  const few = ekiden(["list", "--waiting-for", "screening_reviewed", "--ids", "--limit", "5"]);
  expect([await few.ended, few.lines()]).toEqual([0, child.lines().slice(0, 5)]);
  return child.lines();
}
