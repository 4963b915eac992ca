import type { SwitchMessage } from '#model/switch.ts';
import { InboxSearch, messageIdOf } from './find-mail.ts';
import { done, type StepContext, type StepEnd, type StepWork, skipped } from './step-work.ts';

/** Sends a message of the project file to the person, once: after a crash in the middle the mailbox is asked whether it is there. */
async function tell(
  context: StepContext,
  what: 'switched' | 'undone',
  message: SwitchMessage | null,
): Promise<StepEnd> {
  const { services, memory, signal } = context;
  const side = what === 'switched' ? 'right' : 'left';
  const post = services.post[side];
  if (message === null) return skipped('no message is named in the project file');
  if (post === null)
    return skipped('no mail can be submitted: organizations.NAME.submission is missing; tell the person yourself');
  const id = messageIdOf(context, what, post.from);
  if (memory.get('sending') === true && (await new InboxSearch(context, side).look(new Set([id]))).has(id))
    return done('it was sent before');
  await memory.set('sending', true);
  const { pair } = services;
  const filled = (text: string) =>
    text.replaceAll('{{source}}', pair.left.address).replaceAll('{{target}}', pair.right.address);
  await post.send(
    { to: pair[side].address, subject: filled(message.subject), text: filled(message.text), messageId: id },
    signal,
  );
  return done(`sent to ${pair[side].address}`);
}

/** The one mail that a person gets from Causeway: ordered in the project file, to the person alone. */
export const tellPerson: StepWork = {
  name: 'tell',
  outlook: async ({ services }) => ({
    now: 'the person was told nothing',
    after: services.policy.message === null ? 'no message is named' : `one mail to ${services.pair.right.address}`,
  }),
  before: async () => ({}),
  carryOut: (context) => tell(context, 'switched', context.services.policy.message),
  takeBack: (context) => tell(context, 'undone', context.services.policy.undoMessage),
};
