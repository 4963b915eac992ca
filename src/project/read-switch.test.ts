import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ProjectError } from './problem.ts';
import { readProject } from './read-project.ts';

const directory = mkdtempSync(join(tmpdir(), 'causeway-project-'));
writeFileSync(
  join(directory, 'told.txt'),
  'Subject: Your mailbox has moved\r\n\r\nPlease start {{target}} in Outlook.\r\n',
);
writeFileSync(join(directory, 'bare.txt'), 'Your mailbox has moved\n');

const read = (block: string, submission = '') =>
  readProject(
    `version: 1
organizations:
  old: { kind: exchange, endpoint: https://a.example/EWS/Exchange.asmx, signIn: { method: ntlm, user: 'A\\c', password: env:A }${submission} }
  new: { kind: exchange, endpoint: https://b.example/EWS/Exchange.asmx, signIn: { method: ntlm, user: 'B\\c', password: env:B } }
collections:
  all:
    source: old
    target: new
    pairs: { list: ['ana@a.example -> ana@b.example'] }
${block}`,
    { file: join(directory, 'causeway.yaml'), shown: 'causeway.yaml' },
  );
const problems = (block: string, submission?: string): readonly string[] => {
  try {
    read(block, submission);
    return [];
  } catch (error) {
    if (!(error instanceof ProjectError)) throw error;
    return error.problems.map(({ message }) => message);
  }
};

describe('collections.X.switch', () => {
  test('has defaults that are safe', () => {
    const policy = read('').collections.get('all')?.switching;
    expect(policy).toMatchObject({ settleMs: 60_000, accept: [], probe: true, message: null });
  });

  test('takes times, controllers, checks and a message from a file', () => {
    const policy = read(
      '    switch: { settle: 5 s, controllers: { target: [dc1.b.example] }, accept: [quarantine], message: told.txt, clientMbits: 8 }',
    ).collections.get('all')?.switching;
    expect(policy).toMatchObject({
      settleMs: 5_000,
      controllers: { left: null, right: ['dc1.b.example'] },
      accept: ['quarantine'],
      clientBytesPerSecond: 1_000_000,
      message: { subject: 'Your mailbox has moved', text: 'Please start {{target}} in Outlook.\n' },
    });
  });

  test.each([
    ['    switch: { message: bare.txt }', /first line/],
    ['    switch: { message: nowhere.txt }', /there is no such file/],
    ['    switch: { accept: [quarantin] }', /quarantine/],
    ['    switch: { accept: [redirection] }', /no check of that name that could be accepted/],
    ['    switch: { settle: soon }', /duration/],
  ])('%s is refused', (block, message) => {
    expect(problems(block).join('\n')).toMatch(message);
  });
});

describe('organizations.X.submission', () => {
  test('means STARTTLS but on this machine', () => {
    const of = (url: string) =>
      read('', `, submission: { url: '${url}', from: help@a.example }`).organizations.get('old')?.submission;
    expect(of('smtp://relay.a.example')).toMatchObject({ host: 'relay.a.example', port: 587, tls: 'starttls' });
    expect(of('smtps://relay.a.example')).toMatchObject({ port: 465, tls: 'implicit' });
    expect(of('smtp://127.0.0.1:2525')).toMatchObject({ port: 2525, tls: 'none' });
  });

  test('never holds a password, and user and password come together', () => {
    expect(problems('', ", submission: { url: 'smtp://u:p@relay.a.example', from: help@a.example }")).toHaveLength(1);
    expect(problems('', ', submission: { url: smtp://relay.a.example, from: help@a.example, user: u }')).toHaveLength(
      1,
    );
  });
});
