import { describeFault, isFault } from '#kit/fault.ts';
import type { Change } from '#model/change.ts';
import { isDraft } from '#model/mail.ts';
import { longAgo, type MailBench } from './mail-bench.ts';
import { requestProperties } from './meeting-request.ts';

/** An experiment in a folder of its own. @returns null when it is as assumed; else what was seen. */
type Experiment = (bench: MailBench) => Promise<string | null>;

/** What we rely on about mail and folders; each says what was seen instead. */
export const mailExperiments: readonly (readonly [string, Experiment])[] = [
  [
    'A message is created as what it is: no draft, with its own times, unread',
    async (bench) => {
      const { head } = await bench.create('created');
      const seen = [
        isDraft(head.facts) ? 'it is a draft' : '',
        head.facts.sentAt === longAgo ? '' : `its sent time is ${head.facts.sentAt}`,
        head.facts.receivedAt === longAgo ? '' : `its received time is ${head.facts.receivedAt}`,
        head.state.isRead ? 'it is read' : '',
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'The change feed shows the stamp of a copy',
    async (bench) => {
      const { head, stamp } = await bench.create('stamped');
      return head.stamp === stamp ? null : 'the feed shows the item without its stamp';
    },
  ],
  [
    'The change marks of a folder move when an item is created, flagged, or removed',
    async (bench) => {
      const still: string[] = [];
      const step = async (what: string, work: () => Promise<unknown>) => {
        const before = await bench.mark();
        await bench.untilMarksTell();
        await work();
        if ((await bench.mark()) === before) still.push(what);
      };
      let item = await bench.create('marks 1');
      await step('created', () => bench.create('marks 2'));
      await step('flagged', async () => {
        item = { ...item, head: await bench.update(item.head, { flagStatus: 2 }) };
      });
      await step('removed', () => bench.remove(item.head));
      return still.length === 0 ? null : `they stay when an item is ${still.join(', ')}`;
    },
  ],
  [
    'The change feed tells that a message was read and nothing else',
    async (bench) => {
      const { head } = await bench.create('read flag');
      const told = await bench.changesAfter(() => bench.update(head, { isRead: true }));
      const shows = (change: Change) =>
        change.kind === 'read-flag'
          ? change.id === head.id && change.isRead
          : change.kind === 'upsert' && change.head.id === head.id && change.head.state.isRead;
      return told.some(shows) ? null : 'it tells nothing of it: read marks are found by the sweep only';
    },
  ],
  [
    'A message keeps its search key when it moves',
    async (bench) => {
      const { head } = await bench.create('moved');
      const moved = await bench.moveAway(head);
      if (moved === null) return 'it was not found in the other folder';
      return moved.facts.searchKey === head.facts.searchKey ? null : 'it has another search key';
    },
  ],
  [
    'A write for an old version is refused',
    async (bench) => {
      const { head } = await bench.create('old version');
      await bench.update(head, { importance: 'high' });
      const [answer] = await bench.mailbox.update(
        [{ id: head.id, expect: head.version, set: { importance: 'low' }, readReceiptRequested: false }],
        bench.call(),
      );
      if (answer !== undefined && isFault(answer)) return answer.kind === 'stale' ? null : describeFault(answer);
      return 'the write was carried out';
    },
  ],
  [
    'Marking as read sends no receipt, although one was asked for',
    async (bench) => {
      const { head } = await bench.create('receipt when read', { readReceiptRequested: true });
      const before = await bench.repliesTo();
      await bench.update(head, { isRead: true });
      return (await bench.waitForReply(before)) ? 'a receipt arrived' : null;
    },
  ],
  [
    'Deleting unread mail sends no receipt, although one was asked for',
    async (bench) => {
      const { head } = await bench.create('receipt when deleted', { readReceiptRequested: true });
      const before = await bench.repliesTo();
      await bench.remove(head);
      return (await bench.waitForReply(before)) ? 'a receipt arrived' : null;
    },
  ],
  [
    'What is taken away from a message is gone, and everything else stays',
    async (bench) => {
      const { head } = await bench.create('taken away');
      const marked = await bench.update(head, { flagStatus: 2, flagRequest: 'Call back', categories: ['probe'] });
      await bench.update(marked, { flagStatus: 0, flagRequest: null, categories: [] });
      const { state, facts } = await bench.shown(head.id);
      const seen = [
        state.flagStatus === 0 ? '' : `its flag is ${state.flagStatus}`,
        state.flagRequest === null ? '' : 'its follow-up text is there still',
        state.categories.length === 0 ? '' : 'its category is there still',
        facts.subject === head.facts.subject ? '' : 'its subject changed',
        facts.receivedAt === head.facts.receivedAt ? '' : `its received time is ${facts.receivedAt}`,
        isDraft(facts) ? 'it is a draft' : '',
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'A message of more than 4 MB arrives whole, and is no draft',
    async (bench) => {
      const file = bench.randomFile(5_000_000);
      const { head } = await bench.create('large', {}, { file });
      const mime = await bench.mimeOf(head);
      const seen = [
        isDraft(head.facts) ? 'it is a draft' : '',
        head.facts.receivedAt === longAgo ? '' : `its received time is ${head.facts.receivedAt}`,
        head.facts.hasAttachments ? '' : 'it shows no attachment',
        // However the lines are broken.
        mime.toString('latin1').replace(/\s+/g, '').includes(file.toString('base64')) ? '' : 'its file is another one',
      ];
      return seen.filter((text) => text !== '').join(', ') || null;
    },
  ],
  [
    'A meeting request that is put into an inbox stays one; nothing answers it, and nothing is made of it',
    async (bench) => {
      const identity = bench.newIdentity();
      const ofClass = requestProperties(identity, bench.nextMonth());
      const [before, inbox] = [await bench.repliesTo(), await bench.inbox()];
      const itemClass = 'IPM.Schedule.Meeting.Request';
      try {
        const { head } = await bench.create('request', { itemClass }, { folder: inbox, ofClass });
        const arrived = await bench.waitForReply(before);
        const events = await bench.eventsOf(identity);
        const kept = await bench.properties(
          head.id,
          ofClass.map(({ property }) => property),
        );
        const seen = [
          head.facts.itemClass === itemClass ? '' : `its class is ${head.facts.itemClass}`,
          kept.length === ofClass.length ? '' : `${ofClass.length - kept.length} of its properties are gone`,
          arrived ? 'something arrived at who called the meeting' : '',
          events.length === 0 ? '' : 'an event was made of it',
        ];
        return seen.filter((text) => text !== '').join(', ') || null;
      } finally {
        // It lies where people look, and whatever was made of it, too.
        await bench.removeRequest('request', inbox, identity);
      }
    },
  ],
  [
    'A folder that is removed is nowhere in the tree any more',
    async (bench) =>
      (await bench.treeAfterRemoval()) ? 'it is shown still, among the deleted ones or where it was' : null,
  ],
];
