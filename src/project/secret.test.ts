import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format, inspect } from 'node:util';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { Secret } from './secret.ts';

const directory = mkdtempSync(join(tmpdir(), 'causeway-secret-'));
afterAll(() => rmSync(directory, { recursive: true }));

const named = (reference: string, environment: Record<string, string> = {}): Secret => {
  const secret = Secret.named(reference, directory, environment);
  if (secret === null) throw new Error(`${reference} is no reference`);
  return secret;
};

function file(name: string, content: string, mode = 0o600): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  chmodSync(path, mode);
  return `file:${name}`;
}

describe('references', () => {
  test.each(['hunter2', 'env:', 'env:A B', 'ENV:A', 'file:', ' env:A', 'vault:x'])('%j is none', (text) => {
    expect(Secret.named(text, directory, {})).toBeNull();
  });

  test('an environment variable', async () => {
    expect(await named('env:A', { A: 'hunter2' }).reveal()).toBe('hunter2');
    await expect(named('env:B', {}).reveal()).rejects.toThrow('the environment variable B is not set; set it for');
    await expect(named('env:B', { B: '' }).reveal()).rejects.toThrow('the environment variable B is not set');
  });

  test('a file of ours, without its last line break', async () => {
    expect(await named(file('a', 'hunter2\r\n')).reveal()).toBe('hunter2');
    expect(await named(file('b', ' two\nlines\n')).reveal()).toBe(' two\nlines');
  });

  test.skipIf(process.platform === 'win32')('files that are not safe, and files that hold nothing', async () => {
    await expect(named(file('open', 'hunter2', 0o640)).reveal()).rejects.toThrow(
      /can be read or changed by others; run: chmod 600/,
    );
    await expect(named(file('open', 'hunter2', 0o602)).reveal()).rejects.toThrow(/chmod 600/);
    await expect(named(file('empty', '\n')).reveal()).rejects.toThrow(/is empty/);
    await expect(named(file('large', 'x'.repeat(65_537))).reveal()).rejects.toThrow(/larger than 65536 bytes/);
    await expect(named('file:none').reveal()).rejects.toThrow(/cannot be opened \(ENOENT\)/);
    await expect(named('file:.').reveal()).rejects.toThrow(/is no ordinary file/);
  });
});

test('however a secret is printed, its value does not show', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ minLength: 1 }), async (tail) => {
      const value = `S3cr3t${tail}`;
      const secret = named('env:A', { A: value });
      expect(await secret.reveal()).toBe(value);
      const printed = [
        String(secret),
        `${secret}`,
        JSON.stringify({ secret }),
        inspect(secret, { depth: null, showHidden: true }),
        inspect({ deep: [{ secret }] }, { depth: null, showHidden: true }),
        format('%s %o %O %j %d', secret, secret, secret, secret, secret),
        Object.entries(secret).join(),
        String(new Error('x', { cause: secret }).cause),
      ];
      for (const text of printed) expect(text).not.toContain('S3cr3t');
    }),
  );
});

test('an error about a secret names the place and not the value', async () => {
  const error = await named(file('shown', 'S3cr3t', 0o644))
    .reveal()
    .catch((caught: unknown) => caught);
  expect(inspect(error)).toContain(join(directory, 'shown'));
  expect(inspect(error)).not.toContain('S3cr3t');
});
