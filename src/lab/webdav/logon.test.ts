import { describe, expect, test } from 'vitest';
import { must } from '#kit/assert.ts';
import { SteppingClock } from '#kit/stepping-clock.ts';
import { labParts } from '../parts.ts';
import { Dav } from './webdav.fixture.ts';
import { webdavSite } from './webdav-site.ts';

const none = { authorization: '' };
const form = { ...none, 'content-type': 'application/x-www-form-urlencoded' };

const cookiesOf = (headers: Readonly<Record<string, string | readonly string[]>>): string =>
  [headers['set-cookie'] ?? []]
    .flat()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');

async function logOn(dav: Dav, fields: Readonly<Record<string, string>> = {}) {
  const person = must(dav.organization.mailboxes[0], 'a mailbox');
  const body = new URLSearchParams({
    destination: `${dav.origin}/exchange/`,
    username: `SOURCE\\${person.user.slice(0, person.user.indexOf('@'))}`,
    password: person.password,
    trusted: '4',
    flags: '4',
    ...fields,
  }).toString();
  return dav.ask('POST', '/exchweb/bin/auth/owaauth.dll', { headers: form, body });
}

describe('forms logon', () => {
  test('leads from the address over the form to the mailbox', async () => {
    const dav = new Dav();
    const first = await dav.ask('GET', '/exchange/', { headers: none });
    expect(first.status).toBe(302);
    const location = String(first.headers['location']);
    expect(location).toBe(`${dav.origin}/exchweb/bin/auth/owalogon.asp?url=${dav.origin}/exchange/&reason=0`);
    const page = await dav.ask('GET', location.slice(dav.origin.length), { headers: none });
    expect(page.text).toContain('<form action="owaauth.dll" method="POST" name="logonForm"');
    expect(page.text).toContain(`name="destination" value="${dav.origin}/exchange/"`);
    const answer = await logOn(dav);
    expect([answer.status, answer.headers['location']]).toEqual([302, `${dav.origin}/exchange/`]);
    const headers = { ...none, cookie: cookiesOf(answer.headers) };
    const welcome = await dav.ask('GET', '/exchange/', { headers });
    expect(welcome.text).toContain(`<BASE href="${dav.origin}${dav.base}/">`);
    expect((await dav.ask('PROPFIND', `${dav.base}/`, { headers: { ...headers, depth: '0' } })).status).toBe(207);
  });

  test('a wrong password leads back to the form, and to no other server', async () => {
    const dav = new Dav();
    const wrong = await logOn(dav, { password: 'wrong' });
    expect(String(wrong.headers['location'])).toMatch(/owalogon\.asp\?url=.*&reason=2$/);
    expect(wrong.headers['set-cookie']).toBeUndefined();
    const away = await logOn(dav, { destination: 'https://evil.test/x' });
    expect(away.headers['location']).toBe(`${dav.origin}/x`);
  });

  test('a session ends: 440, and the form for those who can read one', async () => {
    const clock = new SteppingClock(Date.UTC(2026, 10, 2));
    const dav = new Dav({ clock });
    const headers = {
      ...none,
      depth: '0',
      cookie: cookiesOf((await logOn(dav, { flags: '0', trusted: '0' })).headers),
    };
    const find = () => dav.ask('PROPFIND', `${dav.base}/`, { headers });
    expect((await find()).status).toBe(207);
    clock.advance(14 * 60_000);
    expect((await find()).status).toBe(207);
    clock.advance(16 * 60_000);
    const ended = await find();
    expect(ended.status).toBe(440);
    expect(cookiesOf(ended.headers)).toBe('sessionid=; cadata=');
    expect((await dav.ask('GET', `${dav.base}/`, { headers })).status).toBe(302);
    expect((await dav.ask('GET', `${dav.base}/`, { headers: { ...headers, translate: 'f' } })).status).toBe(440);
  });

  test('without forms there is a challenge', async () => {
    const dav = new Dav({}, 0, {
      ...labParts,
      sites: (organization, front) => [webdavSite(organization, front, { forms: false })],
    });
    const answer = await dav.ask('PROPFIND', `${dav.base}/`, { headers: { ...none, depth: '0' } });
    expect(answer.status).toBe(401);
    expect(answer.headers['www-authenticate']).toEqual(['Negotiate', 'NTLM', 'Basic realm="mail.source.test"']);
    expect((await dav.ask('PROPFIND', `${dav.base}/`, { headers: { depth: '0' } })).status).toBe(207);
  });

  test('an administrator with Receive-As opens a mailbox, and writes under the own name', async () => {
    const dav = new Dav();
    dav.signInAs(dav.organization.admin.user, dav.organization.admin.password);
    await dav.ask('PUT', `${dav.base}/Inbox/x.EML`, {
      headers: { translate: 'f', 'content-type': 'message/rfc822' },
      body: 'Subject: x\r\n\r\n',
    });
    const item = [...dav.mailbox.folder('inbox').items()].find((one) => one.text('0x0037') === 'x');
    expect(item?.createdBy).toBe(dav.organization.admin.user);
  });
});
