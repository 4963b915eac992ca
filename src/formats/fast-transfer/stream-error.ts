import { type StreamProblem, streamProblems } from './message-stream.ts';

/** An exported item that cannot be read. */
export class StreamError extends Error {
  override readonly name = 'StreamError';
  readonly problem: StreamProblem;
  constructor(problem: StreamProblem) {
    super(`exported item: ${streamProblems[problem]}`);
    this.problem = problem;
  }
}
