import { bundle, inClone, runForJson, startServer } from './processes.ts';
import { writeProject } from './project.ts';
import type { CopyResult } from './results.ts';

/** What a copy goes between: an account and a mailbox at an EWS address. */
export interface End {
  readonly url: string;
  readonly user: string;
  readonly password: string;
  readonly mailbox: string;
}

export type Tool = 'floor' | 'exchangelib' | 'causeway';

/** Decoded bytes that exchangelib has in one request; larger ones did not make it faster. */
const chunkBytes = 8 * 1024 * 1024;

/** Copies one mailbox with one tool, in a process of its own. @param mailBytes about the size of a mail. */
export async function copyWith(tool: Tool, source: End, target: End, mailBytes: number): Promise<CopyResult> {
  const ends = [JSON.stringify(source), JSON.stringify(target)];
  switch (tool) {
    case 'floor':
      return runForJson<CopyResult>(process.execPath, [bundle('bench-floor'), ...ends]);
    case 'exchangelib': {
      const chunk = String(Math.max(1, Math.min(100, Math.floor(chunkBytes / mailBytes))));
      return runForJson<CopyResult>('/usr/bin/python3', [inClone('bench/exchangelib-copy.py'), ...ends, chunk]);
    }
    case 'causeway': {
      const project = writeProject(
        { name: 'source', endpoint: source.url, user: source.user, password: source.password },
        { name: 'target', endpoint: target.url, user: target.user, password: target.password },
        [[source.mailbox, target.mailbox]],
      );
      try {
        return await runForJson<CopyResult>(process.execPath, [
          '--enable-source-maps',
          bundle('bench-causeway-copy'),
          project.file,
        ]);
      } finally {
        project.remove();
      }
    }
  }
}

/** Numbers of a responder's work. */
export interface ResponderStats {
  readonly requests: number;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly created: number;
  readonly cpuSeconds: number;
}

export interface Responder {
  readonly pid: number;
  source(mailbox?: number): End;
  target(mailbox?: number): End;
  stats(): Promise<ResponderStats>;
  close(): Promise<void>;
}

/** A canned server with so many equal mails in every mailbox of its source. */
export async function startResponder(items: number, mailBytes: number): Promise<Responder> {
  const { ready, pid, close } = await startServer<{ readonly url: string }>('bench-responder', [
    String(items),
    String(mailBytes),
  ]);
  const end = (side: 'source' | 'target', mailbox: number): End => ({
    url: `${ready.url}/${side}/EWS/Exchange.asmx`,
    user: `migration@${side}.test`,
    password: 'canned',
    mailbox: `m${String(mailbox).padStart(4, '0')}@${side}.test`,
  });
  return {
    pid,
    source: (mailbox = 0) => end('source', mailbox),
    target: (mailbox = 0) => end('target', mailbox),
    stats: async () => (await (await fetch(`${ready.url}/stats`)).json()) as ResponderStats,
    close,
  };
}

/** The copy of a fresh canned mailbox; checks that everything arrived. */
export async function copyCanned(
  tool: Tool,
  items: number,
  mailBytes: number,
): Promise<CopyResult & { readonly server: ResponderStats }> {
  const responder = await startResponder(items, mailBytes);
  try {
    const result = await copyWith(tool, responder.source(), responder.target(), mailBytes);
    const server = await responder.stats();
    if (result.items !== items || server.created !== items)
      throw new Error(`${tool} copied ${result.items} of ${items} mails, and ${server.created} were created`);
    return { ...result, server };
  } finally {
    await responder.close();
  }
}
