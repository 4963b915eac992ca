import { z } from 'zod';
import { undiciTransport } from '#connectors/http/undici-transport.ts';
import { createSignIn } from '#connectors/sign-in/sign-in.ts';
import { systemClock } from '#kit/clock.ts';
import { describeFault, FaultError } from '#kit/fault.ts';
import { systemRandom } from '#kit/random.ts';
import type { TlsPolicy } from '#kit/transport.ts';

const accepted = z.object({ user: z.string(), channelBound: z.boolean() });
export type Accepted = z.infer<typeof accepted>;

/** Signs in with the product's own NTLM over its own transport. @returns what the acceptor saw, or why it was refused. */
export async function signInByNtlm(
  url: URL,
  user: string,
  password: string,
  ca: string | null,
  signal: AbortSignal,
): Promise<Accepted | string> {
  const transport = undiciTransport();
  const tls: TlsPolicy = { ca: ca === null ? [] : [ca], min: '1.2' };
  const settings = { method: 'ntlm', user, password: async () => password } as const;
  const signIn = createSignIn(settings, { clock: systemClock, random: systemRandom, transport, tls });
  const connection = await transport.connect(url.origin, tls, signal);
  try {
    const request = {
      method: 'POST',
      path: url.pathname,
      headers: { 'content-type': 'text/xml' },
      body: Buffer.from('<x/>'),
    } as const;
    const response = await signIn.send(connection, url, request, signal);
    const chunks: Uint8Array[] = [];
    for await (const chunk of response.body) chunks.push(chunk);
    return accepted.parse(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    if (error instanceof FaultError && error.fault.kind === 'fatal' && error.fault.code === 'auth')
      return describeFault(error.fault);
    throw error;
  } finally {
    connection.close();
  }
}
