import type { LanguageKey } from "./language.ts";

/** Keys of steps: those of every kind, those of several, and the one that makes the kind. */
export const STEP_KEYS: readonly LanguageKey[] = [
  {
    key: "step",
    in: ["step"],
    value: "name",
    otherwise: "The step has no output to read, and its path is its kind and place: `command0`.",
    description:
      "The step's name, once in a file; its output is read as `steps.<name>`. A step with `compensate` or `output` needs one.",
    example:
      '- step: reserve\n  command: stock.reserve\n  with: { orderNo: "${ input.orderNo }" }\n  compensate: stock.release',
  },
  {
    key: "command",
    in: ["command"],
    value: "command",
    required: true,
    description: "Runs a handler of a domain and awaits its answer.",
    example:
      "- step: reserve\n  command: stock.reserve\n  with:\n    orderNo: ${ input.orderNo }\n  compensate: stock.release",
  },
  {
    key: "notify",
    in: ["notify"],
    value: "command",
    required: true,
    description:
      "Runs a handler whose answer nobody awaits: the saga goes on and does not fail with it. It cannot be undone.",
    example: '- notify: notification.mail\n  with: { to: "${ input.email }", template: welcome }',
  },
  {
    key: "wait",
    in: ["wait"],
    value: "name",
    required: true,
    description: "Waits for a signal: `POST /v1/sagas/{id}/signals/paid`. One that came before is taken at once.",
    example: "- step: paid\n  wait: paid\n  returns: { amount: number }",
  },
  {
    key: "match",
    in: ["wait"],
    value: "expression",
    otherwise: "The oldest unread signal of the name is taken.",
    description: "Over `signal`, the payload: only a signal for which it is true is taken.",
    example: "- wait: paid\n  match: signal.orderNo == input.orderNo\n  returns: { orderNo: string }",
  },
  {
    key: "sleep",
    in: ["sleep"],
    value: "sleep",
    required: true,
    description: "Waits for a time to pass, or to come.",
    example: "- sleep: 30d",
  },
  {
    key: "choose",
    in: ["choose"],
    value: "choose",
    required: true,
    description:
      "Takes one way of several: by the value of an expression with `cases`, or the first of a list whose `when` is true. Nothing fits and there is no `else`: the saga fails with `no_choice`.",
    example:
      '- choose: input.kind\n  cases:\n    standard: []\n    express:\n      - notify: notification.mail\n        with: { to: "${ input.email }", template: express }',
  },
  {
    key: "cases",
    in: ["choose"],
    value: "blocks",
    description: "The value → its steps. Over an enum or a boolean every value must be there, or `else`.",
    example: "- choose: input.amount > 1000\n  cases:\n    true:\n      - wait: approved\n    false: []",
  },
  {
    key: "parallel",
    in: ["parallel"],
    value: "blocks",
    required: true,
    description:
      "Runs branches at the same time. A branch cannot read what another does. If one fails, the others are closed and all of them are undone. No `pivot` and no `end` inside.",
    example:
      '- parallel:\n    stock:\n      - step: reserve\n        command: stock.reserve\n        with: { orderNo: "${ input.orderNo }" }\n        compensate: stock.release\n    signal:\n      - wait: paid',
  },
  {
    key: "join",
    in: ["parallel"],
    value: "join",
    otherwise: "`all`.",
    description:
      "`all`: the block ends when every branch has. `any`: the first that ends well wins, the others are closed and undone; afterwards `has(steps.x)` says who won. After a pivot `any` is for branches that only wait, sleep or set.",
    example: "- parallel:\n    signal: [{ wait: paid }]\n    time: [{ sleep: 1d }]\n  join: any",
  },
  {
    key: "each",
    in: ["each"],
    value: "each",
    required: true,
    description:
      "Runs its steps once for each item of a list, several at a time. `steps.<name>` of the block is the list of the items' outputs in order: each that of its last step, null where that has none or did not run. What stands inside is read only inside. No `pivot` and no `end` inside.",
    example:
      '- step: transfers\n  each:\n    in: input.shops\n    as: shop\n    steps:\n      - step: transfer\n        saga: bank_transfer\n        with: { account: "${ shop.account }", amount: "${ shop.amount }" }',
  },
  {
    key: "saga",
    in: ["saga"],
    value: "name",
    required: true,
    description:
      "Starts another saga and awaits its end; its output is the step's result. A child that failed or was cancelled is a rejection with its code. A child undoes itself, unless it is past a pivot of its own: then the step's `compensate` does.",
    example: '- step: transfer\n  saga: bank_transfer\n  with: { account: DE02, amount: "${ input.amount }" }',
  },
  {
    key: "set",
    in: ["set"],
    value: "values",
    required: true,
    description:
      "Keeps values, read as `vars.<name>`. A name is written once on every path; inside an `each` each item has its own.",
    example: "- set:\n    gross: ${ input.amount * 1.1 }\n- if: vars.gross > 1000\n  fail: too_much",
  },
  {
    key: "fail",
    in: ["fail"],
    value: "fail",
    required: true,
    description:
      "Ends the way forward: what was done is undone, and the saga is `failed` with this code. Not after the pivot.",
    example: "- if: input.amount > 1000\n  fail: too_much",
  },
  {
    key: "end",
    in: ["end"],
    value: "end",
    required: true,
    description: "Ends the saga well before its last step. Not inside `parallel` and `each`.",
    example: "- if: size(input.shops) == 0\n  end: nothing_to_do",
  },
  {
    key: "with",
    in: ["command", "notify", "saga"],
    value: "input",
    otherwise: "An empty object.",
    description: "What the handler, or the child, gets. It is checked against what it takes.",
    example: "- command: notification.mail\n  with:\n    to: ${ input.email }\n    template: order ${ input.orderNo }",
  },
  {
    key: "returns",
    in: ["command", "wait", "saga"],
    value: "shape",
    otherwise: "What the handler's own schema says; for a signal, anything.",
    description: "The shape of the result. A signal that does not have it is refused.",
    example: "- step: reviewed\n  wait: reviewed\n  returns:\n    decision: [approve, reject]\n    reviewer: string",
  },
  {
    key: "output",
    in: ["command", "wait", "saga"],
    value: "value",
    otherwise: "The whole result.",
    description: "What is kept of `result`.",
    example:
      "- step: reviewed\n  wait: reviewed\n  returns: { decision: [approve, reject], notes: string }\n  output: ${ result.decision }",
  },
  {
    key: "timeout",
    in: ["command", "notify", "defaults", "in compensate"],
    value: "duration",
    otherwise: "30s.",
    description:
      "One attempt, from the handler's start. A handler that is over it is rolled back and fails with `timeout`; an external call is unknown. One that computes without awaiting anything cannot be cut off, and holds up its process for as long.",
    example: '- command: notification.mail\n  with: { to: "${ input.email }", template: welcome }\n  timeout: 5s',
  },
  {
    key: "deadline",
    in: ["command", "wait", "parallel", "each", "saga"],
    value: "duration",
    description:
      "Everything together: all attempts, all branches, waiting in a queue. When it is over the step fails with `deadline`.",
    example: "- step: paid\n  wait: paid\n  deadline: 3d\n  catch:\n    deadline:\n      - fail: not_paid",
  },
  {
    key: "retry",
    in: ["command", "notify", "defaults", "in compensate"],
    value: "retry",
    otherwise: "5 attempts (10 for a compensation), after 1s, 2s, 4s, …, at most 1m apart.",
    description: "How often a failed attempt is made again. A rejection is none, unless `also` names its code.",
    example: '- command: notification.mail\n  with: { to: "${ input.email }", template: welcome }\n  retry: none',
  },
  {
    key: "catch",
    in: ["command", "wait", "parallel", "each", "saga"],
    value: "blocks",
    description:
      "Code → steps that take the place of the step. Codes: a participant's own, or `timeout`, `deadline`, `rejected`, `failed`, `any`; the most specific wins. `[]` ignores; `error.code`, `error.message` and `error.step` are read inside. Being cancelled, and a result that breaks its schema, cannot be caught.",
    example:
      '- command: notification.mail\n  with: { to: "${ input.email }", template: welcome }\n  catch:\n    unusable_address: []\n    any:\n      - fail: no_mail',
  },
  {
    key: "compensate",
    in: ["command", "saga"],
    value: "compensate",
    otherwise: "The step is not undone, which `check` warns of and the saga says in `uncompensated`.",
    description:
      "How the step is undone: a command of its own domain (of any, for a `saga`), or a list of steps of any domain: `command`, `notify` and `set`, with `if`, without `catch` and `deadline`. The step's own output may be unknown: a command's handler gets it, if known, from the engine; a list asks with `has(steps.pay)` first.",
    example:
      '- step: reserve\n  command: stock.reserve\n  with: { orderNo: "${ input.orderNo }" }\n  compensate:\n    - command: stock.release\n      with: { orderNo: "${ input.orderNo }" }\n    - notify: notification.mail\n      with: { to: "${ input.email }", template: sorry }',
  },
  {
    key: "pivot",
    in: ["command"],
    value: "boolean",
    otherwise: "false.",
    description:
      "The step after which the saga only goes forward: nothing before it is undone any more, and nothing behind it may ask for that. One on a path, and not inside `parallel` and `each`.",
    example: '- step: ship\n  command: shipping.ship\n  with: { orderNo: "${ input.orderNo }" }\n  pivot: true',
  },
];
