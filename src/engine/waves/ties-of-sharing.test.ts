import { expect, test } from 'vitest';
import { type MailboxSharing, tiesOfSharing } from './ties-of-sharing.ts';

const nobody: Omit<MailboxSharing, 'mailbox' | 'name'> = {
  isShared: false,
  delegates: [],
  sendOnBehalf: [],
  fullAccess: [],
  folders: [],
};
const sharing = (name: string, more: Partial<MailboxSharing>): MailboxSharing => ({
  mailbox: name,
  name: `${name}@old.example`,
  ...nobody,
  ...more,
});
const keyOf = (address: string) => (address.endsWith('@old.example') ? (address.split('@')[0] ?? null) : null);

test('a right is one tie whatever the case of its address, and who is not among the people is outside', () => {
  const { ties, outside } = tiesOfSharing(
    [
      sharing('ana', {
        delegates: ['ben@old.example', 'BEN@old.example', 'ana@old.example', 'guest@elsewhere.example'],
        folders: [
          { folder: 'inbox', who: 'cara@old.example', canWrite: false },
          { folder: 'calendar', who: 'Cara@old.example', canWrite: true },
          { folder: 'tasks', who: 'dan@old.example', canWrite: false },
        ],
      }),
    ],
    (address) => keyOf(address.toLowerCase()),
  );
  expect(ties.map(({ a, b, reason }) => [a, b, reason])).toEqual([
    ['ana', 'ben', 'delegate'],
    ['ana', 'cara', 'folder-permission'],
    ['ana', 'dan', 'folder-permission'],
  ]);
  expect(ties[1]?.detail).toBe('cara@old.example may write in inbox, calendar of ana@old.example');
  expect(outside).toEqual([
    expect.objectContaining({ mailbox: 'ana', who: 'guest@elsewhere.example', reason: 'delegate' }),
  ]);
});

test('a shared mailbox ties its users more than a look into a folder does, and less than full access to a person’s', () => {
  const weightOf = (more: Partial<MailboxSharing>) =>
    tiesOfSharing([sharing('desk', more)], keyOf).ties[0]?.weight ?? 0;
  const person = weightOf({ fullAccess: ['ana@old.example'] });
  const desk = weightOf({ isShared: true, fullAccess: ['ana@old.example'] });
  const folder = { folder: 'inbox', who: 'ana@old.example' };
  const writes = weightOf({ folders: [{ ...folder, canWrite: true }] });
  const reads = weightOf({ folders: [{ ...folder, canWrite: false }] });
  expect([person, desk, writes, reads]).toEqual([...[person, desk, writes, reads]].sort((a, b) => b - a));
  expect(new Set([person, desk, writes, reads]).size).toBe(4);
});
