import { type Fault, FaultError } from '#kit/fault.ts';
import type { HttpResponse } from '#kit/transport.ts';
import { describeOffers, type Offer } from './sign-in-offers.ts';

/** The fault of a 401: who tried what, what the server offers instead, and what to do. */
export function refused(
  host: string,
  tried: string,
  who: string,
  offers: readonly Offer[],
  advice: string,
): FaultError {
  const detail = `${host} refused ${who} by ${tried} (HTTP 401). It offers: ${describeOffers(offers)}. ${advice}`;
  return new FaultError({ kind: 'fatal', code: 'auth', detail });
}

/** The offers hold none that we can use. */
export function notOffered(host: string, wanted: string, offers: readonly Offer[]): FaultError {
  const advice =
    offers.length === 0
      ? 'A proxy or a pre-authentication in between may have removed them: use the address that leads straight to Exchange.'
      : `Set signIn.method to one of these, or switch ${wanted} on for the EWS virtual directory (Set-WebServicesVirtualDirectory).`;
  return new FaultError({
    kind: 'fatal',
    code: 'auth',
    detail: `${host} does not offer ${wanted}. It offers: ${describeOffers(offers)}. ${advice}`,
  });
}

/** A request of a handshake carries no operation, so nothing can have happened by it. */
export async function handshakeStep(send: () => Promise<HttpResponse>): Promise<HttpResponse> {
  try {
    return await send();
  } catch (error) {
    throw harmless(error);
  }
}

function harmless(error: unknown): unknown {
  if (!(error instanceof FaultError) || error.fault.kind !== 'transient') return error;
  const fault: Fault = { ...error.fault, mayHaveHappened: false };
  return new FaultError(fault);
}

/** Answers of a handshake are small; one that is not gives up the connection. */
const drainMax = 256 * 1024;

/** Reads an answer that nobody needs to its end, so that the connection can be used again. */
export async function drain(response: HttpResponse): Promise<void> {
  let read = 0;
  try {
    for await (const chunk of response.body) {
      read += chunk.length;
      if (read > drainMax) return;
    }
  } catch (error) {
    throw harmless(error);
  }
}
