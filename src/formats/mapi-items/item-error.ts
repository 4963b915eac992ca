/** Why a message is not understood as an item of its kind. */
export const itemProblems = {
  'not-of-this-kind': 'its class is not one of the kind that is read',
  'no-start': 'it has no start',
} as const;
export type ItemProblem = keyof typeof itemProblems;

export class ItemError extends Error {
  override readonly name = 'ItemError';
  readonly problem: ItemProblem;
  constructor(problem: ItemProblem, detail = '') {
    super(`item: ${itemProblems[problem]}${detail === '' ? '' : ` (${detail})`}`);
    this.problem = problem;
  }
}
