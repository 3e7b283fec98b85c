/**
 * Something of this process that is bounded: what it is, how much of it there is now, and its limit. Ready for a metrics
 * endpoint: names are as Prometheus wants them.
 */
export interface Bound {
  readonly name: string;
  /** Tells bounds of one name apart, for example by consumer group. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly help: string;
  readonly limit: number;
  /** How much there is now. */
  now(): number;
  /** How often something was refused or put off at the limit, since the process began. */
  hits(): number;
}
