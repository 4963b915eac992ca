import { expect, test } from 'vitest';
import type { Attributes, DirectoryObject } from '#model/directory/directory-object.ts';
import { judgeReply } from './judge-reply.ts';

const holder = (attributes: Attributes) =>
  ({ guid: 'a', kind: 'user', dn: '', attributes }) as unknown as DirectoryObject;
const mailUser = holder({ msExchRecipientTypeDetails: ['128'] });

test('a mail user that sends on to nowhere gets no reply', () => {
  expect(judgeReply([mailUser], 'ad')).toEqual({ kind: 'no-mailbox', to: mailUser });
  const redirected = holder({ ...mailUser.attributes, targetAddress: ['SMTP:a@old.test'] });
  expect(judgeReply([redirected], 'ad')).toEqual({ kind: 'resolves', to: redirected });
});

test('of a mail user in a tenant nobody is shown where it sends on to, so that is not judged', () => {
  expect(judgeReply([mailUser], 'entra')).toEqual({ kind: 'not-shown', to: mailUser });
  const works = holder({ msExchRecipientTypeDetails: ['1'] });
  expect(judgeReply([works], 'entra')).toEqual({ kind: 'resolves', to: works });
  expect(judgeReply([mailUser, { ...works, guid: 'b' as never }], 'entra').kind).toBe('ambiguous');
  expect(judgeReply([], 'entra')).toEqual({ kind: 'nobody' });
});
