import { expect, test } from 'vitest';
import { onlineRoute, unreadRoute } from './handed-over-route.ts';
import type { Route } from './ports.ts';

const { signal } = new AbortController();

/** What the route hands over, and what is left of it when texts are taken out as PowerShell reads quotes. */
async function handedOver(route: Route, to: string | null) {
  const turned = await route.turn(to, signal);
  const [line = ''] = turned.kind === 'handed-over' ? turned.script : [];
  const text = /['\u2018-\u201b]((?:[^'\u2018-\u201b]|['\u2018-\u201b]{2})*)['\u2018-\u201b]/g;
  return {
    texts: [...line.matchAll(text)].map(([, one = '']) => one.replaceAll(/(['\u2018-\u201b])\1/g, '$1')),
    rest: line.replaceAll(text, '§'),
  };
}

// Either of the quotes ends a text of PowerShell that is not doubled; the star is a wildcard of LDAP.
const address = 'o\u2019neil+*(a)\\b\0@old.test';

test('no letter of an address is anything but text to PowerShell', async () => {
  const to = 'o\u2018neil\u2019; Remove-Mailbox x@new.test';
  expect(await handedOver(onlineRoute('o\u2019neil@old.test'), to)).toEqual({
    texts: ['o\u2019neil@old.test', `smtp:${to}`],
    rest: 'Set-Mailbox § -ForwardingSmtpAddress § -DeliverToMailboxAndForward $false',
  });
  expect((await handedOver(onlineRoute('o\u2019neil@old.test'), null)).rest).toBe(
    'Set-Mailbox § -ForwardingSmtpAddress $null -DeliverToMailboxAndForward $false',
  );
});

test('no letter of an address is a sign of an LDAP filter', async () => {
  const filter = '(proxyAddresses=smtp:o\\e2\\80\\99neil+\\2a\\28a\\29\\5cb\\00@old.test)';
  expect(await handedOver(unreadRoute(address), 'x\u2019@new.test')).toEqual({
    texts: [filter, 'SMTP:x\u2019@new.test'],
    rest: 'Get-ADObject -LDAPFilter § | Set-ADObject -Replace @{targetAddress=§}',
  });
  expect(await handedOver(unreadRoute(address), null)).toEqual({
    texts: [filter],
    rest: 'Get-ADObject -LDAPFilter § | Set-ADObject -Clear targetAddress',
  });
});
