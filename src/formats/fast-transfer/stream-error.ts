import { streamProblems } from './message-stream.ts';

/** Why an exported item is not understood. */
export const eventStreamProblems = {
  ...streamProblems,
  'not-an-event': 'its class is not that of an appointment',
  'no-start': 'it has no start',
} as const;
export type EventStreamProblem = keyof typeof eventStreamProblems;

export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly problem: EventStreamProblem;
  constructor(problem: EventStreamProblem) {
    super(`exported item: ${eventStreamProblems[problem]}`);
    this.problem = problem;
  }
}
