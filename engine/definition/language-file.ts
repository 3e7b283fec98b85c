import type { LanguageKey } from "./language.ts";

/** Keys at the top of a file, and those of `defaults`, `start` and `schedule`. */
export const FILE_KEYS: readonly LanguageKey[] = [
  {
    key: "saga",
    in: ["file"],
    value: "name",
    required: true,
    description: "The definition's name, by which it is started: `POST /v1/sagas/order`.",
    example: "saga: order\nversion: 1\nsteps: []",
  },
  {
    key: "version",
    in: ["file"],
    value: "version",
    required: true,
    description:
      "The author's number. New sagas take the highest; running ones stay on the revision that they started with. In production the same number with other content is refused.",
    example: "saga: order\nversion: 2\nsteps: []",
  },
  {
    key: "description",
    in: ["file", "step"],
    value: "text",
    description: "What it is for, in words; also on a step.",
    example: "description: An order is paid and shipped.",
  },
  {
    key: "input",
    in: ["file"],
    value: "shape",
    otherwise: "Nothing is taken but an empty object.",
    description:
      "The shape of what a saga starts with. What does not fit is refused with 422 and the path; so is a part that is handed on unchanged to a handler that does not take it.",
    example: "input:\n  orderNo: string(1..40)\n  amount: number(0.01..)\n  note?: string",
  },
  {
    key: "key",
    in: ["file"],
    value: "value",
    description: "The business key, over `input`: among open sagas of a definition it stands once.",
    example: "key: ${ input.orderNo }",
  },
  {
    key: "labels",
    in: ["file"],
    value: "values",
    description: "Texts over `input` by which sagas are searched: `GET /v1/sagas?label.kind=express`.",
    example: "labels:\n  kind: ${ input.kind }",
  },
  {
    key: "sensitive",
    in: ["file"],
    value: "paths",
    description: "Paths below `input` and `steps` that API, console and logs mask.",
    example: "sensitive: [input.email]",
  },
  {
    key: "start",
    in: ["file"],
    value: "start",
    description: "Each message of a topic that fits starts a saga.",
    example: "input: { orderNo: string }\nstart:\n  topic: shop.orders\n  input:\n    orderNo: ${ event.no }",
  },
  {
    key: "topic",
    in: ["start"],
    value: "text",
    required: true,
    description:
      "The topic of Kafka that is read, from its oldest message on; AUTHORS.md says what a message must be. On the embedded transport no other program can write to one.",
    example: "input: { orderNo: string }\nstart:\n  topic: shop.orders\n  input: ${ event }",
  },
  {
    key: "if",
    in: ["start", "step"],
    value: "expression",
    description:
      "On a step: it runs only if this is true. In `start`: over `event`, the message's body; only then a saga starts.",
    example:
      "input: { orderNo: string }\nstart:\n  topic: shop.orders\n  if: event.kind == 'new'\n  input: ${ event.order }",
  },
  {
    key: "schedule",
    in: ["file"],
    value: "schedule",
    description: "A saga starts at each time that the line of cron names: minute, hour, day, month, day of the week.",
    example: 'input: {}\nschedule: "0 3 * * *"',
  },
  {
    key: "cron",
    in: ["schedule"],
    value: "text",
    required: true,
    description: "The line of cron.",
    example: 'input: {}\nschedule:\n  cron: "0 3 1 * *"',
  },
  {
    key: "timezone",
    in: ["schedule"],
    value: "text",
    otherwise: "UTC.",
    description: "The IANA name of the time zone in which the times are meant.",
    example: 'input: {}\nschedule:\n  cron: "0 3 1 * *"\n  timezone: Asia/Tokyo',
  },
  {
    key: "overlap",
    in: ["schedule"],
    value: "overlap",
    otherwise: "`skip`.",
    description:
      "When the saga of the time before is still open: `skip` leaves this time out, `queue` starts when the other has ended, `allow` starts at once.",
    example: 'input: {}\nschedule:\n  cron: "*/5 * * * *"\n  overlap: queue',
  },
  {
    key: "input",
    in: ["start", "schedule"],
    value: "value",
    otherwise: "In `schedule`: an empty object. In `start` it is required.",
    description:
      "What the saga starts with, over `event` in `start`, over `schedule.at`, the planned time, in `schedule`.",
    example: 'input: { plannedAt: date }\nschedule:\n  cron: "0 3 1 * *"\n  input:\n    plannedAt: ${ schedule.at }',
  },
  {
    key: "defaults",
    in: ["file"],
    value: "defaults",
    description: "What holds for every step that says nothing else: `timeout` and `retry`.",
    example: "defaults:\n  timeout: 10s\n  retry: { attempts: 3, backoff: 2s }",
  },
  {
    key: "deadline",
    in: ["file"],
    value: "duration",
    description:
      "The saga's whole life before its pivot. When it is over the saga fails with `deadline` and compensates; after the pivot it is only a warning.",
    example: "deadline: 3d",
  },
  {
    key: "steps",
    in: ["file"],
    value: "steps",
    required: true,
    description: "What is done, from top to bottom.",
    example: "steps:\n  - command: notification.mail\n    with: { to: ann@example.org, template: welcome }",
  },
  {
    key: "output",
    in: ["file"],
    value: "value",
    otherwise: "The saga has no output.",
    description: "What a completed saga gives, to its caller or to the step that started it.",
    example: "output:\n  orderNo: ${ input.orderNo }",
  },
];
