/** What the edge's tests share: an endpoint that answers without a world behind it, and real clients. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { createLab, type Lab, type LabOptions, type LabParts } from '../lab.ts';
import type { Endpoint, EndpointCall } from '../seams.ts';

export interface Carried {
  readonly caller: EndpointCall['caller'];
  readonly bytes: number;
  readonly connectionId: number;
}

export interface Recorder {
  readonly calls: Carried[];
  answer: (
    call: EndpointCall,
    body: Buffer,
  ) => Awaited<ReturnType<Endpoint['handle']>> | Promise<Awaited<ReturnType<Endpoint['handle']>>>;
}

/** A lab whose EWS endpoint only records who called; the edge is what is under test. */
export function edgeLab(options: LabOptions): { readonly lab: Lab; readonly recorder: Recorder } {
  const { parts, recorder } = recordingParts();
  return { lab: createLab(options, parts), recorder };
}

export function recordingParts(): { readonly parts: LabParts; readonly recorder: Recorder } {
  const recorder: Recorder = {
    calls: [],
    answer: () => ({
      status: 200,
      headers: { 'Content-Type': 'text/xml; charset=utf-8' },
      body: Buffer.from('<carried-out/>'),
    }),
  };
  const endpoint: Endpoint = {
    async handle(call) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of call.body) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      recorder.calls.push({ caller: call.caller, bytes: body.length, connectionId: call.connectionId });
      return recorder.answer(call, body);
    },
  };
  return { recorder, parts: { ews: () => endpoint, people: () => () => true } };
}

const types = 'http://schemas.microsoft.com/exchange/services/2006/types';
const messages = 'http://schemas.microsoft.com/exchange/services/2006/messages';

/** A request that the edge can look into. */
export function soapRequest(operation: string, impersonated?: string, padding = ''): string {
  const header = impersonated
    ? `<s:Header><t:ExchangeImpersonation><t:ConnectingSID><t:PrimarySmtpAddress>${impersonated}</t:PrimarySmtpAddress></t:ConnectingSID></t:ExchangeImpersonation></s:Header>`
    : '';
  return `<?xml version="1.0"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" xmlns:t="${types}" xmlns:m="${messages}">${header}<s:Body><m:${operation}><m:X>${padding}</m:X></m:${operation}></s:Body></s:Envelope>`;
}

const run = promisify(execFile);

export interface CurlResult {
  readonly exitCode: number;
  /** Of the last answer. */
  readonly status: number;
  readonly connections: number;
  readonly output: string;
}

/** Runs curl, which shares no code with us. */
export async function curl(...given: readonly string[]): Promise<CurlResult> {
  const format = '\n%{http_code} %{num_connects}';
  try {
    const { stdout } = await run('curl', ['-s', '--max-time', '20', '-w', format, ...given], {
      maxBuffer: 64 * 1024 * 1024,
    });
    return parsed(stdout, 0);
  } catch (error) {
    const failed = error as { code?: number | string; stdout?: string };
    if (typeof failed.code !== 'number') throw error;
    return parsed(failed.stdout ?? '', failed.code);
  }
}

function parsed(stdout: string, exitCode: number): CurlResult {
  const [, output = '', status = '0', connections = '0'] = /^([\s\S]*)\n(\d+) (\d+)$/.exec(stdout) ?? [];
  return { exitCode, output, status: Number(status), connections: Number(connections) };
}

/** Says why tests with curl are left out, or nothing. */
export async function curlMissing(): Promise<string | null> {
  try {
    const { stdout } = await run('curl', ['--version']);
    return /\bNTLM\b/.test(stdout) ? null : 'this curl was built without NTLM';
  } catch {
    return 'curl is not installed';
  }
}
