import type { Request } from 'express';
import { DomainError, reasonOf } from '../../errors/domain-error';
import { readBody } from '../../http/body/body-reader';
import { isJsonObject, type JsonObject, type JsonValue } from '../../config/yaml/json-value';

const LIMIT_BYTES = 256 * 1024;

/**
 * The JSON object in the body of a repository call, `{}` for an empty body or `null`. The protocol's clients send it
 * without a content type, so that Express has left it unread.
 * @throws invalid_json, invalid_request, body_too_large
 */
export async function controlBody(req: Request): Promise<JsonObject> {
  const body = req.body === undefined ? await unreadBody(req) : (req.body as JsonValue);
  // Some clients send it for what they leave out.
  if (body === null) return {};
  if (isJsonObject(body)) return body;
  throw new DomainError('invalid_request', 'The body of this call is a JSON object, or empty.');
}

async function unreadBody(req: Request): Promise<JsonValue> {
  const text = (await readBody(req, LIMIT_BYTES).catch(explainLimit)).toString();
  if (text.trim() === '') return {};
  try {
    return JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new DomainError('invalid_json', `The body is not JSON: ${reasonOf(error)}.`);
  }
}

/** The limit of these bodies is not the one that the reader names, which is for tensors. */
function explainLimit(error: unknown): never {
  if (!(error instanceof DomainError) || error.code !== 'body_too_large') throw error;
  throw new DomainError('body_too_large', `The body of this call may have ${LIMIT_BYTES} bytes.`);
}
