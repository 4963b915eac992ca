/**
 * The steps of a switch, in their order. The order is the safety: at every moment, whatever was replicated to whom and wherever
 * the program was killed, mail for either address reaches exactly one of the two mailboxes, one that the person will see.
 *
 * - The target stops redirecting *before* the source begins to (`open-target` before `redirect-source`). Between the two, each
 *   organization delivers what it is given; the other way round both would redirect to one another, which is a loop.
 * - Neither is begun before the one ahead of it is seen on every controller, and transport had time to forget what it knew.
 * - What was delivered on the side that is left is carried over afterwards (`last-pass`, the passes that go on after the switch, and on the
 *   way back `catch-up`, whose undo comes last).
 *
 * The undo takes back in reverse order what was begun, so the same holds for the way back. `order.test.ts` proves it on every
 * prefix, crash point and delay of replication of a small model.
 */
export type StepName =
  | 'catch-up'
  | 'prepare-target'
  | 'open-target'
  | 'turn-room'
  | 'redirect-source'
  | 'last-pass'
  | 'turn-active'
  | 'quiet-source'
  | 'turn-reminders'
  | 'prove'
  | 'tell';

export interface SwitchStep {
  readonly name: StepName;
  /** For the operator: what it does. */
  readonly title: string;
  /** What is different afterwards. */
  readonly changes: string;
  /** What has to be true before it begins, besides that the steps before it are done. */
  readonly needs: string;
  /** How a step that was begun before, by whomever, is found to be done, so that repeating it does no harm. */
  readonly doneWhen: string;
  /** What taking it back does. */
  readonly undo: string;
}

export const switchSteps: readonly SwitchStep[] = [
  {
    name: 'catch-up',
    title: 'passes until nothing is left to carry over',
    changes: 'the target has what the source has',
    needs: 'the pair is ready, or what is not was accepted by name',
    doneWhen: 'a pass over each kind of content writes nothing; it is run again when in doubt',
    undo: 'carries back what came in or was changed in the target meanwhile',
  },
  {
    name: 'prepare-target',
    title: 'out-of-office and inbox rules into the target',
    changes: 'the target answers and sorts as the source does, for mail that it does not get yet',
    needs: 'nothing',
    doneWhen: 'the target shows the same settings as the source',
    undo: 'puts the settings back that the target had',
  },
  {
    name: 'open-target',
    title: 'the target no longer redirects to the source',
    changes: 'mail that the target organization gets for the person is delivered there',
    needs: 'the source does not redirect',
    doneWhen: 'the entry has no redirection on any named controller',
    undo: 'the target redirects to the source again',
  },
  {
    name: 'turn-room',
    title: 'booking requests are processed in the target',
    changes: 'the room answers requests in the target and no longer in the source',
    needs: 'it is a room or equipment',
    doneWhen: 'the source does not process requests and the target does',
    undo: 'the source processes requests and the target does not',
  },
  {
    name: 'redirect-source',
    title: 'the source redirects to the target',
    changes: 'mail that the source organization gets for the person goes to the target',
    needs: 'the target does not redirect, on any named controller',
    doneWhen: 'the entry redirects to the target on every named controller',
    undo: 'the source delivers to its own mailbox again',
  },
  {
    name: 'last-pass',
    title: 'passes over what arrived in the source until now',
    changes: 'the target has everything that the source had',
    needs: 'the source redirects',
    doneWhen: 'a pass over each kind of content writes nothing; it is run again when in doubt',
    undo: 'nothing: what was carried over stays',
  },
  {
    name: 'turn-active',
    title: 'the person works in the target',
    changes: 'passes take the target for the side that is right where both changed the same thing',
    needs: 'nothing',
    doneWhen: 'the store says so',
    undo: 'passes take the source for that side again',
  },
  {
    name: 'quiet-source',
    title: 'out-of-office and forwarding rules of the source are switched off',
    changes: 'only one side answers and forwards',
    needs: 'the target has them (prepare-target)',
    doneWhen: 'the source shows them switched off',
    undo: 'switches them on again as they were',
  },
  {
    name: 'turn-reminders',
    title: 'reminders ring in the target',
    changes: 'reminders are moved from the source to the target',
    needs: 'the person works in the target',
    doneWhen: 'the store says that none is left to be moved',
    undo: 'reminders ring in the source again',
  },
  {
    name: 'prove',
    title: 'probe mail by both organizations, and free/busy',
    changes: 'nothing: the probe mails are removed again',
    needs: 'mail can be submitted (organizations.NAME.submission)',
    doneWhen: 'both probe mails were found in the target',
    undo: 'nothing',
  },
  {
    name: 'tell',
    title: 'message to the person',
    changes: 'one mail is sent, on the order of the project file (switch.message)',
    needs: 'a message is named and mail can be submitted',
    doneWhen: 'it is recorded as sent',
    undo: 'nothing: it was read',
  },
];

export const stepNames: readonly StepName[] = switchSteps.map(({ name }) => name);

/** What is recorded of a step. */
export interface StepRecord {
  readonly step: string;
  readonly direction: 'forward' | 'undo';
  readonly state: 'begun' | 'done' | 'failed' | 'skipped';
}

export interface NextStep {
  readonly name: StepName;
  /** It was begun before: something of it may have been done. */
  readonly resumed: boolean;
}

const isOver = ({ state }: StepRecord): boolean => state === 'done' || state === 'skipped';

/**
 * The next step of a switch, or of its undo; null: there is none left. The undo takes back what was begun, in reverse order.
 *
 * @param records of this switch only, in any order.
 */
export function nextStep(
  records: readonly StepRecord[],
  direction: StepRecord['direction'],
  order: readonly StepName[] = stepNames,
): NextStep | null {
  const of = (name: StepName, way: StepRecord['direction']) =>
    records.find((record) => record.step === name && record.direction === way);
  if (direction === 'forward') {
    for (const name of order) {
      const record = of(name, 'forward');
      if (record === undefined || !isOver(record)) return { name, resumed: record !== undefined };
    }
    return null;
  }
  for (const name of [...order].reverse()) {
    const forward = of(name, 'forward');
    // What was skipped changed nothing. A step that failed may have done a part of it.
    if (forward === undefined || forward.state === 'skipped') continue;
    const back = of(name, 'undo');
    if (back === undefined || !isOver(back)) return { name, resumed: back !== undefined };
  }
  return null;
}
