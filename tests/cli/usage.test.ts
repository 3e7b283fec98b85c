import { expect, test } from "bun:test";

import { ekiden } from "./run-cli.ts";

/** Port 1 is never listened on: what talks to it is refused at once. */
const NOBODY = { EKIDEN_URL: "http://127.0.0.1:1" };

test("without an engine a command says so in one sentence: exit code 3", async () => {
  const { code, out, err } = await ekiden(["list"], NOBODY);

  expect(err).toBe("No engine answers at http://127.0.0.1:1: start one with `bun run engine`, or set EKIDEN_URL.\n");
  expect(out).toBe("");
  expect(code).toBe(3);
});

/** A database that is never reached. */
const DATABASE = { DATABASE_URL: "postgres://ekiden:secret@127.0.0.1:1/orders" };

test("login needs a database and a domain that is known: exit code 2", async () => {
  const nowhere = await ekiden(["login", "screening"], { DATABASE_URL: "" });
  const nobody = await ekiden(["login", "nobody"], DATABASE);

  expect(nowhere.err).toContain("Set DATABASE_URL");
  expect(nobody.err).toContain('There is no domain "nobody". Known: application, contract');
  expect([nowhere.code, nobody.code]).toEqual([2, 2]);
});

const WRONG: readonly (readonly [args: readonly string[], says: string])[] = [
  [["bogus"], "unknown command 'bogus'"],
  [["cancel", "01M84H7D8XMF9BG544P7E8X5JP"], "'--reason <text>' not specified"],
  [["skip", "01M84H7D8XMF9BG544P7E8X5JP", "--reason", "mended"], "'--step <path>' not specified"],
  [["resolve", "01M84H7D8XMF9BG544P7E8X5JP", "--step", "a", "--reason", "x", "--result", "{"], "--result is no JSON"],
  [
    ["resolve", "01M84H7D8XMF9BG544P7E8X5JP", "--step", "a", "--reason", "x", "--result", "@/nowhere"],
    "cannot be read",
  ],
  [["terminate", "01M84H7D8XMF9BG544P7E8X5JP"], "'--reason <text>' not specified"],
  [["start"], "missing required argument 'definition'"],
  [["signal", "01M84H7D8XMF9BG544P7E8X5JP", "reviewed", "--payload", "{"], "--payload is no JSON"],
  [["list", "--label", "purpose"], "write it as name=value"],
  [["rewind", "screening", "--reason", "mended"], "exactly one of --first-error"],
  [["rewind", "screening", "--first-error", "--message", "x", "--reason", "mended"], "exactly one of --first-error"],
  [["rewind", "screening", "--topic", "screening.examine", "--reason", "mended"], "exactly one of --first-error"],
  [["rewind", "screening", "--offset", "3", "--reason", "mended"], "--offset goes with --topic and --partition"],
  [["rewind", "screening", "--first-error", "--partition", "3", "--reason", "mended"], "--partition goes with --topic"],
  [["redrive", "--reason", "mended"], "either the id of a message, or a filter"],
  [["redrive", "M", "--group", "lab", "--reason", "mended"], "either the id of a message, or a filter"],
  [["redrive", "M", "N", "--body", "{}", "--reason", "mended"], "--body goes with the id of one message"],
  [["redrive", "M", "--preview"], "--preview goes with a filter or --body"],
  [["redrive", "--group", "lab"], "say why with --reason"],
  [["redrive", "M", "--body", "{", "--reason", "mended"], "--body is no JSON"],
  [["redrive", "--group", "lab", "--body", "{}", "--reason", "mended"], "--body goes with the id of one message"],
  [["redrive", "--group", "lab", "--rate", "fast", "--reason", "mended"], "--rate fast: must be a number"],
  [["export", "--partition", "p", "--to", "/proc/x"], "--to /proc/x: no files can be written there (E"],
  [["pause", "lab"], "'--reason <text>' not specified"],
  [["resume", "lab"], "'--reason <text>' not specified"],
  [["redrives", "stop", "R"], "'--reason <text>' not specified"],
  [["rewind", "screening", "--first-error"], "say why with --reason"],
];

test.each([
  [["cancel", "01M84H7D8XMF9BG544P7E8X5JP", "--json"], "required option '--reason <text>' not specified"],
  [["rewind", "screening", "--first-error", "--json"], "rewind moves a group"],
])("with --json wrong usage is one JSON document: %p", async (args, detail) => {
  const { code, out, err } = await ekiden(args, NOBODY);

  expect(JSON.parse(out)).toEqual({ title: "Wrong usage", detail: expect.stringContaining(detail) });
  expect([code, err]).toEqual([2, ""]);
});

test.each(WRONG)("wrong usage is exit code 2: %p", async (args, says) => {
  const { code, err } = await ekiden(args, NOBODY);

  expect(err).toContain(says);
  expect(code).toBe(2);
});

test("help lists the commands and the exit codes", async () => {
  const { code, out } = await ekiden(["--help"]);

  for (const name of [
    "check",
    "graph",
    "simulate",
    "test",
    "start",
    "list",
    "show",
    "signal",
    "cancel",
    "retry",
    "skip",
    "resolve",
    "terminate",
    "messages",
    "redrive",
    "redrives",
    "login",
  ]) {
    expect(out).toMatch(new RegExp(`^  ${name} `, "m"));
  }
  expect(out).toContain("Exit codes:");
  expect(code).toBe(0);
});

test.each(["check", "graph", "simulate", "test"])("the help of %s shows its usage and an explanation", async (name) => {
  const { code, out } = await ekiden([name, "--help"]);

  expect(out).toContain(`Usage: ekiden ${name} [options]`);
  expect(out.split("\n").length).toBeGreaterThan(12);
  expect(code).toBe(0);
});

test("connector prints Debezium's configuration without the password", async () => {
  const { code, out, err } = await ekiden(["connector"], {
    DATABASE_URL: "postgres://ekiden:secret@db.invalid:5433/orders",
  });
  const config = JSON.parse(out);

  expect(config).toMatchObject({
    "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
    "database.hostname": "db.invalid",
    "database.port": "5433",
    "database.user": "ekiden",
    "database.password": "<password of the database user>",
  });
  expect(out).not.toContain("secret");
  expect(err).toContain("PostgreSQL at db.invalid:5433/orders does not answer");
  expect(err).toContain("the user of DATABASE_URL is named below, not the connector's own login");
  expect(code).toBe(0);
});
