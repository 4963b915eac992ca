/** What the program tells the shell. Each has a row in `docs/operating/exit-codes.md`. The higher of two wins, but for 130. */
export const exitCodes = {
  ok: 0,
  /** A mistake of ours, or something nobody thought of. */
  unexpected: 1,
  /** The command line, the project file, a secret or the store's address is wrong. Nothing was done. */
  usage: 2,
  /** Everything went through except what is listed: items in quarantine, deletions held back. */
  partial: 3,
  /** Some pairs could not be worked on, or the store was lost on the way. */
  stopped: 4,
  /** `verify` found a grade below good, or `check --freebusy` a difference. */
  differences: 5,
  /** `check` found something that must be put right before the first pass. */
  notReady: 6,
  /** Ctrl-C. What was in work was recorded. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** The exit code of several results together. */
export function worstOf(codes: readonly ExitCode[]): ExitCode {
  return codes.reduce<ExitCode>((worst, code) => (code > worst ? code : worst), exitCodes.ok);
}
