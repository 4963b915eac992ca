/**
 * Where a pair is on its way from one organization to the other:
 * `new` nothing is there yet · `provisioned` both mailboxes are there and mail for either address reaches the source · `syncing` passes have
 * begun · `ready` measured: the person can be switched · `switching` the steps are being taken · `switched` the person works in the target ·
 * `undoing` the steps are being taken back · `finished` the switch is final and nothing is kept in step any more.
 */
export const switchStates = [
  'new',
  'provisioned',
  'syncing',
  'ready',
  'switching',
  'switched',
  'undoing',
  'finished',
] as const;
export type SwitchState = (typeof switchStates)[number];

/** What a collection asks of its switches. Made from the project file; plain data. */
export interface SwitchPolicy {
  /** Time that transport gets to forget what it knew, after every controller shows a new redirection. */
  readonly settleMs: number;
  /** Controllers that do not follow within this time make the step fail, by name. */
  readonly replicationMaxMs: number;
  /** Controllers that are waited for, by side; null: all that the directory names. */
  readonly controllers: Readonly<Record<'left' | 'right', readonly string[] | null>>;
  /** Domain under which the other organization routes mail to this side; null: the address of the pair. */
  readonly routing: Readonly<Record<'left' | 'right', string | null>>;
  /** A result of verify older than this is made again. */
  readonly gradeMaxAgeMs: number;
  /** Share of contents that verify reads for it. */
  readonly gradeContents: number;
  /** At which clients are taken to download. */
  readonly clientBytesPerSecond: number;
  /** Checks that may be not ready: the operator knows of them. */
  readonly accept: readonly string[];
  /** Whether probe mails are sent where mail can be submitted. */
  readonly probe: boolean;
  readonly probeMaxMs: number;
  /** Messages to the person, on the order of the project file; null: none. */
  readonly message: SwitchMessage | null;
  readonly undoMessage: SwitchMessage | null;
}

/** `{{source}}` and `{{target}}` stand for the addresses of the pair. */
export interface SwitchMessage {
  readonly subject: string;
  readonly text: string;
}

export const defaultSwitchPolicy: SwitchPolicy = {
  settleMs: 60_000,
  replicationMaxMs: 4 * 3_600_000,
  controllers: { left: null, right: null },
  routing: { left: null, right: null },
  gradeMaxAgeMs: 7 * 86_400_000,
  gradeContents: 0.05,
  clientBytesPerSecond: 2_500_000,
  accept: [],
  probe: true,
  probeMaxMs: 10 * 60_000,
  message: null,
  undoMessage: null,
};
