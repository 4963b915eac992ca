import { expect, test } from 'vitest';
import { MemoryMailbox } from './memory-organization.ts';

test('an item whose read flag moved before it was handed out stands on a later page as a new item', () => {
  const box = new MemoryMailbox('anna@source.test');
  const inbox = box.byRole('inbox');
  const first = box.add(inbox, Buffer.from('a'));
  const second = box.add(inbox, Buffer.from('b'));
  const third = box.add(inbox, Buffer.from('c'));
  box.edit(second.id, { isRead: true });
  const handedOut: string[] = [];
  for (let cursor: Parameters<MemoryMailbox['feed']>[1] = null, complete = false; !complete; ) {
    const page = box.feed(inbox, cursor, 1);
    handedOut.push(...page.entries.filter((e) => e.kind === 'upsert').map((e) => e.id));
    ({ cursor, complete } = page);
  }
  expect(handedOut).toEqual([first.id, second.id, third.id]);
});
