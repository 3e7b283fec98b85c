/** What the API answers, as its own schemas have it: a change there that a page has not followed does not compile. */
import type { InferOutput } from "valibot";

import type * as definition from "../../../api/definition-schema.ts";
import type * as me from "../../../api/me-schema.ts";
import type * as message from "../../../api/message-schema.ts";
import type * as problem from "../../../api/problem-schema.ts";
import type * as saga from "../../../api/saga-schema.ts";
import type * as stream from "../../../api/stream-schema.ts";

export type DefinitionList = InferOutput<typeof definition.DefinitionList>;
export type Me = InferOutput<typeof me.Me>;
export type Saga = InferOutput<typeof saga.Saga>;
export type SagaList = InferOutput<typeof saga.SagaList>;
export type SagaStep = InferOutput<typeof saga.SagaStep>;
export type SagaStatus = InferOutput<typeof saga.SagaStatus>;
export type Accepted = InferOutput<typeof saga.Accepted>;
export type Message = InferOutput<typeof message.Message>;
export type MessageList = InferOutput<typeof message.MessageList>;
export type Consumption = InferOutput<typeof message.Consumption>;
export type Timeline = InferOutput<typeof message.Timeline>;
export type ProblemDetails = InferOutput<typeof problem.ProblemDetails>;
export type StreamEvent = InferOutput<typeof stream.StreamEvent>;
