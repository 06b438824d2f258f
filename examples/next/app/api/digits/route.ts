import { DomainError, ERRORS } from 'nestor';
import { nestor } from '../../../lib/nestor';

// Not on the edge: a model needs threads and a native library.
export const runtime = 'nodejs';

/** Takes a picture as it is, and says which digit it shows. */
export async function POST(request: Request): Promise<Response> {
  const picture = new Uint8Array(await request.arrayBuffer());
  try {
    const { outputs } = await (
      await nestor()
    ).infer('digits', { picture, top_k: 1 }, { signal: request.signal });
    return Response.json(outputs.digit[0]);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    const { code, message } = error;
    return Response.json({ code, message }, { status: ERRORS[code].status });
  }
}
