import { expect, test } from 'vitest';
import type { ItemId, MailboxGuid } from '#model/ids.ts';
import { defaultMailPolicy } from '#model/policy.ts';
import { joinLeft, type LeftDecision } from './join-left.ts';
import { link } from './join-mail.fixture.ts';

const readFlag = (isRead: boolean, over: Parameters<typeof link>[2]): readonly LeftDecision[] =>
  joinLeft([{ kind: 'read-flag', id: 'l' as ItemId, isRead }], {
    byLeftId: new Map([['l' as ItemId, link('l', 'r', over)]]),
    bySearchKey: [],
    unclaimed: [],
    gone: new Set(),
    policy: defaultMailPolicy,
    target: { organization: 'target', mailbox: 'target mailbox' as MailboxGuid },
    byStamp: new Map(),
    rightFolderOf: (folder) => folder,
  });

test.each([true, false])('a read flag (%s) of a mail that is to be looked at leaves it waiting for that', (isRead) => {
  const [decision] = readFlag(isRead, { state: 'left-gone', goneSincePass: null });
  expect(decision).toMatchObject({ do: isRead ? 'follow' : 'see', link: { state: 'left-gone', goneSincePass: null } });
});

test('a read flag of a mail that was missed says that it is there: it is looked at at once, and not removed', () => {
  const [decision] = readFlag(true, { state: 'left-gone', goneSincePass: 6, touched: ['removing'] });
  expect(decision).toMatchObject({ link: { state: 'left-gone', goneSincePass: null, touched: [] } });
});
