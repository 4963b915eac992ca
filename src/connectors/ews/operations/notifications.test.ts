import { expect, test } from 'vitest';
import { parseXmlBytes } from '#formats/text/xml-read.ts';
import { messagesNamespace, typesNamespace } from '../namespaces.ts';
import { readNotifications } from './notifications.ts';

const item = (id: string, key: string) => `<t:ItemId Id="${id}" ChangeKey="${key}"/>`;
const parent = (id: string, name = 'ParentFolderId') => `<t:${name} Id="${id}" ChangeKey="x"/>`;
const read = (events: string) => {
  const bytes = Buffer.from(
    `<m:R xmlns:m="${messagesNamespace}" xmlns:t="${typesNamespace}"><m:Notification><t:SubscriptionId>s</t:SubscriptionId>${events}</m:Notification></m:R>`,
  );
  const [found] = readNotifications(parseXmlBytes(bytes).root);
  return found?.folders && Object.fromEntries(found.folders);
};

test('items that were made and changed are told with their versions', () => {
  expect(
    read(
      `<t:CreatedEvent>${item('a', '1')}${parent('cal')}</t:CreatedEvent><t:ModifiedEvent>${item('a', '2')}${parent('cal')}</t:ModifiedEvent>`,
    ),
  ).toEqual({
    cal: [
      { id: 'a', version: '1' },
      { id: 'a', version: '2' },
    ],
  });
});

test('the counts of their folder change with them', () => {
  const counts = `<t:ModifiedEvent><t:FolderId Id="cal" ChangeKey="9"/>${parent('root')}<t:UnreadCount>1</t:UnreadCount></t:ModifiedEvent>`;
  const created = `<t:CreatedEvent>${item('a', '1')}${parent('cal')}</t:CreatedEvent>`;
  expect(read(counts + created)).toEqual({ cal: [{ id: 'a', version: '1' }] });
  expect(read(counts)).toEqual({ cal: null });
});

test.each([
  ['an item that is gone', `<t:DeletedEvent>${item('b', '1')}${parent('cal')}</t:DeletedEvent>`],
  ['a version that is not told', `<t:ModifiedEvent><t:ItemId Id="b"/>${parent('cal')}</t:ModifiedEvent>`],
])('%s makes the folder to be looked at, whatever else is told of it', (_, event) => {
  const known = `<t:ModifiedEvent>${item('a', '1')}${parent('cal')}</t:ModifiedEvent>`;
  expect(read(known + event)).toEqual({ cal: null });
  expect(read(event + known)).toEqual({ cal: null });
});

test('an item that was moved makes both folders to be looked at', () => {
  const moved = `<t:MovedEvent>${item('b', '1')}${parent('cal')}<t:OldItemId Id="a" ChangeKey="1"/>${parent('old', 'OldParentFolderId')}</t:MovedEvent>`;
  expect(read(moved)).toEqual({ cal: null, old: null });
});

test('a folder of its own, made or gone, concerns the tree', () => {
  expect(read(`<t:CreatedEvent><t:FolderId Id="f" ChangeKey="1"/>${parent('root')}</t:CreatedEvent>`)).toBeNull();
});
