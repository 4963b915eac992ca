import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeImceaex, encodeImceaex } from './imceaex.ts';
import {
  addressKey,
  domainOfAddress,
  formatProxyAddress,
  isSmtpAddress,
  parseProxyAddress,
  primarySmtp,
  smtpAddresses,
} from './proxy-address.ts';
import { isDisabled, isMailbox, recipientType, typeAttributes } from './recipient-type.ts';

describe('proxy addresses', () => {
  test('type, address, and whether others see it', () => {
    expect(parseProxyAddress('SMTP:Anna@Source.Example')).toEqual({
      type: 'SMTP',
      address: 'Anna@Source.Example',
      isPrimary: true,
    });
    expect(parseProxyAddress('x500:/o=Old/cn=Anna: the first')).toMatchObject({
      type: 'X500',
      address: '/o=Old/cn=Anna: the first',
      isPrimary: false,
    });
    expect(parseProxyAddress('X400:c=US;a= ;p=Source;o=Exchange;s=Huber;')?.type).toBe('X400');
    for (const value of ['anna@source.example', 'SMTP:', ':a', `smtp:${'a'.repeat(1200)}`])
      expect(parseProxyAddress(value), value).toBeNull();
  });

  test('writing what was read gives the same address', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('SMTP', 'X500', 'EUM', 'SIP'),
        fc.boolean(),
        fc.emailAddress(),
        (type, isPrimary, address) => {
          const parsed = { type, isPrimary, address };
          expect(parseProxyAddress(formatProxyAddress(parsed))).toEqual(parsed);
        },
      ),
    );
  });

  test('one address in two spellings is one', () => {
    expect(addressKey('SMTP:Anna@Source.Example')).toBe(addressKey('smtp:anna@source.example'));
    expect(addressKey('X500:/O=A')).not.toBe(addressKey('smtp:/O=A'));
    expect(addressKey('Nonsense')).toBe('nonsense');
  });

  test('the primary address leads', () => {
    const values = ['smtp:b@x.example', 'X500:/o=x', 'SMTP:a@x.example'];
    expect(smtpAddresses(values)).toEqual(['a@x.example', 'b@x.example']);
    expect(primarySmtp(values)).toBe('a@x.example');
    expect(primarySmtp(['smtp:b@x.example'])).toBeNull();
    expect(domainOfAddress('a@X.Example')).toBe('x.example');
  });

  test('what a mail server takes', () => {
    for (const good of ['a@x.example', "o'neil+tag@x-1.example", '"a b"@x.example', 'müller@x.example', 'a@localhost'])
      expect(isSmtpAddress(good), good).toBe(true);
    for (const bad of [
      'a',
      '@x',
      'a b@x.example',
      'a@',
      'a@x..y',
      '.a@x.example',
      'a..b@x.example',
      'a@-x.example',
      `${'a'.repeat(316)}@x`,
    ])
      expect(isSmtpAddress(bad), bad).toBe(false);
  });
});

describe('IMCEAEX', () => {
  const dn = '/O=Source/OU=Exchange Administrative Group (FYDIBOHF23SPDLT)/CN=Recipients/CN=anna';

  test('as Exchange writes it into a bounce', () => {
    const address =
      'IMCEAEX-_O=Source_OU=Exchange+20Administrative+20Group+20+28FYDIBOHF23SPDLT+29_CN=Recipients_CN=anna@source.example';
    expect(encodeImceaex(dn, 'source.example')).toBe(address);
    expect(decodeImceaex(address)).toEqual({ legacyExchangeDn: dn, domain: 'source.example' });
  });

  test('every DN that fits comes back', () => {
    const part = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).filter((s) => !s.includes('/'));
    fc.assert(
      fc.property(part, part, (org, cn) => {
        const legacyExchangeDn = `/o=${org}/cn=${cn}`;
        const address = encodeImceaex(legacyExchangeDn, 'source.example');
        if (address !== null) expect(decodeImceaex(address)?.legacyExchangeDn).toBe(legacyExchangeDn);
      }),
    );
  });

  test('what is none, or too long', () => {
    for (const address of [
      'anna@source.example',
      'IMCEAEX-anna',
      'IMCEAEX-anna@x',
      'IMCEAEX-_O=+2_CN=a@x',
      'IMCEASMTP-a@x',
    ])
      expect(decodeImceaex(address), address).toBeNull();
    expect(encodeImceaex(`/o=${'ü'.repeat(60)}/cn=a`, 'x')).toBeNull();
  });
});

describe('recipient types', () => {
  const type = (kind: 'user' | 'contact' | 'group', attributes: Record<string, readonly string[]>) =>
    recipientType({ kind, attributes });

  test('what Exchange says comes first', () => {
    expect(type('user', { msExchRecipientTypeDetails: ['16'] })).toBe('room-mailbox');
    expect(type('user', { msExchRecipientTypeDetails: ['2147483648'], homeMDB: ['CN=DB'] })).toBe('remote-mailbox');
    expect(type('user', { msExchRecipientTypeDetails: ['8388608'] })).toBe('other');
  });

  test('Exchange 2003 says nothing, and is understood', () => {
    expect(type('user', { homeMDB: ['CN=DB'], targetAddress: ['SMTP:a@b'] })).toBe('user-mailbox');
    expect(type('user', { targetAddress: ['SMTP:a@b'] })).toBe('mail-user');
    expect(type('user', { mail: ['a@b'] })).toBe('none');
    expect(type('contact', { targetAddress: ['SMTP:a@b'] })).toBe('mail-contact');
    expect(type('group', { groupType: ['-2147483640'], proxyAddresses: ['SMTP:a@b'] })).toBe('security-group');
    expect(type('group', { groupType: ['8'], mailNickname: ['a'] })).toBe('distribution-group');
    expect(type('group', { groupType: ['8'] })).toBe('none');
  });

  test('what is written is read as the same', () => {
    for (const shadow of ['mail-user', 'mail-contact'] as const)
      expect(type('user', typeAttributes(shadow, 'room-mailbox'))).toBe(shadow);
    expect(isMailbox('mail-user')).toBe(false);
    expect(isDisabled({ userAccountControl: ['514'] })).toBe(true);
    expect(isDisabled({ userAccountControl: ['512'] })).toBe(false);
  });
});
