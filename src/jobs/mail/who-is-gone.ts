import type { Mailbox } from '#connectors/contract.ts';
import { type Fault, FaultError, isFault } from '#kit/fault.ts';
import type { ItemId } from '#model/ids.ts';
import type { MailHead } from '#model/mail.ts';
import type { PassContext } from './pass-context.ts';

/**
 * Which of these ids name nothing any more. A server that could not answer for one of them leaves the question open, and nothing may
 * be concluded from an open question: the pass stops here and is made again.
 */
export async function whoIsGone(
  context: PassContext,
  mailbox: Mailbox,
  ids: readonly ItemId[],
): Promise<ReadonlySet<ItemId>> {
  if (ids.length === 0) return new Set();
  const answers = await mailbox.heads(ids, context.call());
  return new Set(ids.filter((id) => isGone(answers.get(id))));
}

function isGone(answer: MailHead | Fault | undefined): boolean {
  if (answer === undefined)
    throw new FaultError({
      kind: 'transient',
      detail: 'no answer for an item that was asked for',
      mayHaveHappened: false,
    });
  if (!isFault(answer)) return false;
  if (answer.kind === 'transient' || answer.kind === 'throttled' || answer.kind === 'fatal')
    throw new FaultError(answer);
  return answer.kind === 'gone';
}
