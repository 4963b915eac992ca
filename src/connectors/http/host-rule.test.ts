import { expect, test } from 'vitest';
import { hostRule } from './host-rule.ts';

test('a host, or all hosts below a domain, and none that only looks like it', () => {
  const rule = hostRule(['mail.contoso.com', '*.contoso.net']);
  expect(['mail.contoso.com', 'MAIL.contoso.com', 'a.contoso.net', 'a.b.contoso.net'].map(rule)).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect(['contoso.com', 'contoso.net', 'evilcontoso.net', 'mail.contoso.com.evil.test'].map(rule)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
