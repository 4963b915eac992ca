import { describe, expect, test } from 'vitest';
import { Forests } from './forests.fixture.ts';

describe('somebody new', () => {
  test('gets a mail user that redirects to the mailbox and answers to old mail', () => {
    const world = new Forests();
    const ana = world.mailbox('left', 'Ana', { title: ['Engineer'] });
    const plan = world.run();
    expect(plan.edits.map(({ side, change, reason }) => [side, change.kind, reason])).toEqual([
      ['left', 'modify', 'routing'],
      ['right', 'add', 'stands-for'],
    ]);
    const shadow = world.shadow(ana);
    expect(shadow.dn).toBe('CN=Ana,OU=Shadows,DC=target,DC=test');
    expect(shadow.attributes).toMatchObject({
      title: ['Engineer'],
      sAMAccountName: ['ana'],
      userPrincipalName: ['ana@target.test'],
      userAccountControl: ['514'],
      targetAddress: ['SMTP:ana@route.source.example'],
      mail: ['ana@source.example'],
      msExchRecipientTypeDetails: ['128'],
      msExchPoliciesExcluded: ['{26491cfc-9e50-4857-861b-0cb8df22b5d7}'],
    });
    expect([...(shadow.attributes['proxyAddresses'] ?? [])].sort()).toEqual([
      'SMTP:ana@source.example',
      'smtp:ana@route.target.example',
      'x500:/o=source/ou=First/cn=Recipients/cn=ana',
    ]);
    expect(shadow.attributes['homeMDB']).toBeUndefined();
    expect(world.left.object(ana)?.attributes['proxyAddresses']).toContain(
      `x500:${shadow.attributes['legacyExchangeDN']?.[0]}`,
    );
    expect(plan.needs.map(({ need }) => need)).toEqual(['update-recipient', 'enable-mailbox']);
    expect(world.run().edits).toEqual([]);
  });
});
