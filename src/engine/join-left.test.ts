import { describe, expect, test } from 'vitest';
import type { FolderId, ItemId, MailboxGuid } from '#model/ids.ts';
import type { LinkRow } from '#model/link.ts';
import { type MailHead, mailFingerprint } from '#model/mail.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { joinLeft, type LeftDecision, type LeftKnowledge, leftQuestions } from './join-left.ts';
import { head, link, unread } from './join-mail.fixture.ts';

const nothing: LeftKnowledge = {
  byLeftId: new Map(),
  alike: [],
  unclaimed: [],
  gone: new Set(),
  policy: defaultMailPolicy,
  target: { organization: 'target', mailbox: 'target mailbox' as MailboxGuid },
  byStamp: new Map(),
  rightFolderOf: (folder) => folder,
};

const readFlag = (isRead: boolean, over: Parameters<typeof link>[2]): readonly LeftDecision[] =>
  joinLeft([{ kind: 'read-flag', id: 'l' as ItemId, isRead }], {
    ...nothing,
    byLeftId: new Map([['l' as ItemId, link('l', 'r', over)]]),
  });

test.each([true, false])('a read flag (%s) of a mail that is to be looked at leaves it waiting for that', (isRead) => {
  const [decision] = readFlag(isRead, { state: 'left-gone', goneSincePass: null });
  expect(decision).toMatchObject({ do: isRead ? 'follow' : 'see', link: { state: 'left-gone', goneSincePass: null } });
});

test.each([
  true,
  false,
])('a read flag (%s) is written again while it is not known whether the one before it arrived', (isRead) => {
  const [decision] = readFlag(isRead, { touched: ['updating isRead'] });
  expect(decision).toMatchObject({ do: 'follow', merge: { set: { isRead } } });
});

test('a read flag that a person of the target has set stays, whatever of ours is on its way', () => {
  const [decision] = readFlag(false, {
    touched: ['updating isRead', 'isRead'],
    seenRight: { ...unread, isRead: true },
  });
  expect(decision).toMatchObject({ do: 'see' });
});

test('a read flag of a mail that was missed says that it is there: it is looked at at once, and not removed', () => {
  const [decision] = readFlag(true, { state: 'left-gone', goneSincePass: 6, touched: ['removing'] });
  expect(decision).toMatchObject({ link: { state: 'left-gone', goneSincePass: null, touched: [] } });
});

describe('a mail without a search key under another id', () => {
  const facts = { itemClass: 'IPM.Note', messageFlags: 0, searchKey: null, sizeBytes: 0 } as MailHead['facts'];
  const elsewhere = head('new', { folder: 'B' as FolderId, stamp: null, facts });
  const [gone, there] = ['gone', 'there'].map((id) =>
    link(id, `copy of ${id}`, { fingerprint: mailFingerprint(elsewhere.facts) }),
  ) as [LinkRow, LinkRow];
  const changes = [{ kind: 'upsert', head: elsewhere }] as const;

  test('may be any that is equal to it', () => {
    expect(leftQuestions(changes, { ...nothing, alike: [there, gone] })).toEqual([there.leftId, gone.leftId]);
  });

  test('has moved when one of them is gone', () => {
    expect(joinLeft(changes, { ...nothing, alike: [there, gone], gone: new Set([gone.leftId]) })).toMatchObject([
      { do: 'follow', link: { rightId: gone.rightId }, moveTo: 'B' },
    ]);
  });

  test('is new when all of them are there', () => {
    expect(joinLeft(changes, { ...nothing, alike: [there, gone] })).toMatchObject([{ do: 'create' }]);
  });
});
