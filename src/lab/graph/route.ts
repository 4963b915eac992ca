import type { Context } from './context.ts';
import type { Permission } from './permissions.ts';

export interface Reply {
  readonly status: number;
  readonly json?: unknown;
  readonly bytes?: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Parameters = Readonly<Record<string, string>>;

/** One operation: a method and a path below the version, `{name}` for what the client fills in. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly needs: Permission;
  /** It is about the directory, and no mailbox has to be there. */
  readonly isDirectory?: true;
  run(context: Context, parameters: Parameters): Reply | Promise<Reply>;
}

export const ok = (json: unknown, headers: Readonly<Record<string, string>> = {}): Reply => ({
  status: 200,
  json,
  headers,
});
export const created = (json: unknown): Reply => ({ status: 201, json });
export const noContent: Reply = { status: 204 };

/** A value that JSON leaves out when it is not there. */
export type Json = Readonly<Record<string, unknown>>;
