import { describe, expect, test } from 'vitest';
import { addressesOf, answersTo, redirect, redirectionOf, routingAddress } from './redirection.ts';

const entry = {
  targetAddress: ['SMTP:Ana@old.example'],
  proxyAddresses: ['smtp:ana@route.new.example', 'SMTP:Ana@new.example', 'x500:/o=Old/cn=ana', 'sip:ana@new.example'],
  mail: ['ana@new.example'],
};

describe('entries', () => {
  test('redirect where targetAddress says', () => {
    expect(redirectionOf(entry)).toBe('ana@old.example');
    expect(redirectionOf({ targetAddress: ['ana@old.example'] })).toBe('ana@old.example');
    expect(redirectionOf({})).toBeNull();
  });
  test('have their primary address first, and each once', () => {
    expect(addressesOf(entry)).toEqual(['ana@new.example', 'ana@route.new.example']);
  });
  test('are reached in the routing domain when there is one', () => {
    expect(routingAddress(entry, 'ana@new.example', 'route.new.example')).toBe('ana@route.new.example');
    expect(routingAddress(entry, 'ana@new.example', null)).toBe('ana@new.example');
    expect(routingAddress(entry, 'ana@new.example', 'nowhere.example')).toBe('ana@new.example');
  });
  test('answer to old mail by X500', () => {
    expect(answersTo(entry, '/O=OLD/CN=ANA')).toBe(true);
    expect(answersTo(entry, '/o=Old/cn=bo')).toBe(false);
  });
});

describe('redirect', () => {
  test('names the values that are there, so that nobody else is overwritten', () => {
    expect(redirect(entry, null)).toEqual({ remove: ['SMTP:Ana@old.example'], add: [] });
    expect(redirect({}, 'ana@new.example')).toEqual({ remove: [], add: ['SMTP:ana@new.example'] });
  });
  test('has nothing to do where it is done already', () => {
    expect(redirect(entry, 'ana@OLD.example')).toBeNull();
    expect(redirect({}, null)).toBeNull();
  });
});
